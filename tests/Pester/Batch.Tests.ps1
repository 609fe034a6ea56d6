BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $memload = Get-ChildItem (Join-Path $RepositoryRoot src/MemLoad.Cli/bin/*/net10.0/memload.dll) -ErrorAction Ignore | Sort-Object LastWriteTime | Select-Object -Last 1
    $noBatch = if ($IsWindows -or -not (Get-Command bash -CommandType Application -ErrorAction Ignore)) { 'there is no bash' }
    elseif (-not $memload) { 'memload is not built' }
    $noYaml = if (-not (Get-Command python3 -CommandType Application -ErrorAction Ignore)) { 'there is no python3 to read YAML' }
    else {
        python3 -c 'import yaml' 2>&1 | Out-Null
        if ($LASTEXITCODE) { 'python3 has no yaml' }
    }
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $slurm = Join-Path $RepositoryRoot examples/slurm.sh
    $job = Join-Path $RepositoryRoot examples/kubernetes-job.yaml
    $path = $env:PATH
    $file = Join-Path $TestDrive 'a model.pth'
    New-TinyCheckpoint $file
    $manifest = (New-WeightManifest $file).Manifest
    # The file has the same name, as a model has on other nodes.
    $bad = Join-Path $TestDrive 'other/a model.pth'
    $null = New-Item -ItemType Directory (Split-Path $bad)
    Copy-Item $file $bad
    $bytes = [IO.File]::ReadAllBytes($bad)
    $offset = (Get-WeightInfo $bad | Select-Object -Last 1).Offset
    $bytes[$offset] = $bytes[$offset] -bxor 1
    [IO.File]::WriteAllBytes($bad, $bytes)
    $names = 'MODEL', 'MANIFEST', 'STRATEGY', 'DEVICE', 'PARTS', 'RESULTS', 'SLURM_JOB_ID', 'SLURM_NTASKS', 'SLURM_SUBMIT_DIR', 'JOB_COMPLETION_INDEX'

    # A scheduler on this machine. It starts the command once per rank, all at the same time, and ends with the highest exit code. The path
    # of the model can differ per rank, as on nodes with their own copies.
    $bin = Join-Path $TestDrive bin
    $null = New-Item -ItemType Directory $bin
    Set-Content (Join-Path $bin srun) @'
#!/bin/bash
while [[ "$1" == --* ]]; do shift; done
pids=()
for ((r = 0; r < SLURM_NTASKS; r++)); do
    model="MODEL_$r"
    SLURM_PROCID=$r MODEL="${!model:-$MODEL}" "$@" &
    pids+=($!)
done
worst=0
for pid in "${pids[@]}"; do
    wait "$pid"; code=$?
    [ "$code" -le "$worst" ] || worst=$code
done
exit "$worst"
'@
    chmod +x (Join-Path $bin srun)
    function Invoke-Shell([hashtable]$Environment, [string[]]$Command) {
        $names | ForEach-Object { Remove-Item "env:$_" -ErrorAction Ignore }
        foreach ($name in $Environment.Keys) { Set-Item "env:$name" $Environment[$name] }
        try {
            $text = & $Command[0] ($Command | Select-Object -Skip 1) 2>&1 | ForEach-Object { "$_" }
            [pscustomobject]@{ Code = $LASTEXITCODE; Text = $text -join "`n" }
        }
        finally { $Environment.Keys | ForEach-Object { Remove-Item "env:$_" -ErrorAction Ignore } }
    }
}
Describe "examples/slurm.sh$(if ($noBatch) { " ($noBatch)" })" -Skip:([bool]$noBatch) -ForEach @{ Folder = $memload.DirectoryName } {
    BeforeAll { $env:PATH = $bin, $Folder, $path -join ':' }
    AfterAll { $env:PATH = $path }
    BeforeEach {
        $results = Join-Path $TestDrive "results $([guid]::NewGuid())"
        $batch = @{ SLURM_JOB_ID = '7'; SLURM_NTASKS = '3'; RESULTS = $results; MODEL = $file }
    }
    It 'is a script for bash' {
        (Invoke-Shell @{} 'bash', '-n', $slurm).Code | Should -Be 0
    }
    It 'measures on every rank, with one CSV file per rank, and writes one report' {
        $run = Invoke-Shell ($batch + @{ STRATEGY = 'Stream,Mmap'; MANIFEST = $manifest }) 'bash', $slurm
        $run.Code | Should -Be 0 -Because $run.Text
        (Get-ChildItem $results -Filter *.csv).Name | Should -Be rank-0.csv, rank-1.csv, rank-2.csv
        $rows = Get-ChildItem $results -Filter rank-*.csv | Import-Csv
        $rows.Count | Should -Be 6
        $rows.Outcome | Sort-Object -Unique | Should -Be Loaded
        (Get-Content -Raw (Join-Path $results report.html)).Contains('6 loads on 1 machine') | Should -BeTrue
        Get-ChildItem $results -Filter *.part | Should -BeNullOrEmpty
    }
    It 'loads a part on every rank, and does not report the parts as different weights' {
        $run = Invoke-Shell ($batch + @{ PARTS = '1' }) 'bash', $slurm
        $run.Code | Should -Be 0 -Because $run.Text
        $rows = Get-ChildItem $results -Filter rank-*.csv | Import-Csv
        # An array has its own property Rank.
        $rows | ForEach-Object Rank | Should -Be 0, 1, 2
        @($rows.WeightsDigest | Sort-Object -Unique).Count | Should -Be 3
        (Get-WeightInfo $file).Count | Should -Be ($rows.TensorCount | Measure-Object -Sum).Sum
        (Get-Content -Raw (Join-Path $results report.html)).Contains('THE WEIGHTS DIFFER') | Should -BeFalse
    }
    It 'reports that the weights differ, and measures the other ranks' {
        $run = Invoke-Shell ($batch + @{ MODEL_1 = $bad }) 'bash', $slurm
        $run.Code | Should -Be 1
        $run.Text | Should -BeLike '*THE WEIGHTS DIFFER between ranks*'
        $run = Invoke-Shell ($batch + @{ MODEL_1 = $bad; MANIFEST = $manifest }) 'bash', $slurm
        $run.Code | Should -Be 1
        $rows = Get-ChildItem $results -Filter rank-*.csv | Import-Csv
        $rows.Outcome | Should -Be Loaded, Failed, Loaded
        $rows[1].Message | Should -BeLike 'ML6111: 1 of * tensors differs*'
    }
    It 'names a rank without rows, and reports the others' {
        $run = Invoke-Shell ($batch + @{ MODEL_2 = '/nowhere.pth' }) 'bash', $slurm
        $run.Code | Should -Be 1
        $run.Text | Should -BeLike '*Rank 2 gave no rows: *ML1001*'
        (Get-Content -Raw (Join-Path $results report.html)).Contains('2 loads on 1 machine') | Should -BeTrue
    }
    It 'names what it needs' {
        (Invoke-Shell @{ SLURM_JOB_ID = '7' } 'bash', $slurm).Text | Should -BeLike '*set MODEL to the checkpoint*'
        $env:PATH = $bin, '/usr/bin', '/bin' -join ':'
        try { (Invoke-Shell $batch 'bash', $slurm).Text | Should -BeLike 'memload is not on the PATH*' }
        finally { $env:PATH = $bin, $Folder, $path -join ':' }
    }
}
Describe "examples/kubernetes-job.yaml$(if ($noBatch ?? $noYaml) { " ($($noBatch ?? $noYaml))" })" -Skip:([bool]($noBatch ?? $noYaml)) -ForEach @{ Folder = $memload.DirectoryName } {
    BeforeAll {
        $env:PATH = $Folder, $path -join ':'
        $spec = (python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))' $job | ConvertFrom-Json).spec
        $container = $spec.template.spec.containers[0]
    }
    AfterAll { $env:PATH = $path }
    It 'is an indexed job with one pod per node, with limits and with read-only weights' {
        $spec.completionMode | Should -Be Indexed
        $spec.backoffLimitPerIndex | Should -Be 0
        $spec.parallelism | Should -Be $spec.completions
        $spec.template.spec.restartPolicy | Should -Be Never
        $spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchLabels.app | Should -Be $spec.template.metadata.labels.app
        $container.resources.limits.memory | Should -Not -BeNullOrEmpty
        ($container.volumeMounts | Where-Object name -eq weights).readOnly | Should -BeTrue
        $container.volumeMounts.name | Should -Be $spec.template.spec.volumes.name
        ($container.env | Where-Object name -eq MODEL).value | Should -BeLike '/weights/*'
    }
    It 'runs its command once per index, and the report merges the files' {
        $results = Join-Path $TestDrive pods
        $null = New-Item -ItemType Directory $results
        foreach ($index in 0..1) {
            $settings = @{ JOB_COMPLETION_INDEX = "$index" }
            $container.env | ForEach-Object { $settings[$_.name] = $_.value }
            $settings.MODEL = $index ? $bad : $file
            $settings.RESULTS = $results
            $run = Invoke-Shell $settings ($container.command + $container.args)
            $run.Code | Should -Be 0 -Because $run.Text
        }
        (Get-ChildItem $results).Name | Should -Be rank-0.csv, rank-1.csv
        $page = Join-Path $TestDrive pods.html
        memload report --path (Get-ChildItem $results).FullName --out $page | Should -BeLike '*2 rows*'
        (Get-Content -Raw $page).Contains('THE WEIGHTS DIFFER') | Should -BeTrue
    }
    It 'fails the pod whose load failed, and keeps its row' {
        $results = Join-Path $TestDrive failed
        $null = New-Item -ItemType Directory $results
        $settings = @{ JOB_COMPLETION_INDEX = '5'; MODEL = $bad; MANIFEST = $manifest; STRATEGY = 'Stream'; DEVICE = 'cpu'; RESULTS = $results }
        (Invoke-Shell $settings ($container.command + $container.args)).Code | Should -Be 1
        (Import-Csv (Join-Path $results rank-5.csv)).Message | Should -BeLike 'ML6111: *'
        $settings.MODEL = '/nowhere.pth'
        (Invoke-Shell $settings ($container.command + $container.args)).Code | Should -Be 1
        Get-ChildItem $results | Should -BeNullOrEmpty
    }
}
