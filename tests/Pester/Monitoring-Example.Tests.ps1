# The scripts of examples/monitoring that a scheduler runs, each in a separate process, with a logger that records its calls.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $noProgram = $IsWindows -or -not $MemLoadAssembly
}
Describe 'A scheduled measurement' {
    if ($noProgram) {
        It 'is tested if sh and the command memload are installed (6 tests)' -Skip { }
        return
    }
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $folder = Join-Path $RepositoryRoot examples/monitoring
        $file = Join-Path $TestDrive model.pth
        New-TinyCheckpoint $file
        $bin = New-ProgramFolder (Join-Path $TestDrive bin)
        # One line per call: the arguments, separated by bars.
        Set-Content $bin/logger "#!/bin/sh`nIFS='|'; echo `"`$*`" >> '$TestDrive/log'"
        chmod +x $bin/logger
        $metrics = (New-Item -ItemType Directory (Join-Path $TestDrive metrics)).FullName
        $before = $env:PATH
        $env:PATH = "$bin$([IO.Path]::PathSeparator)$before"

        # Returns the exit code, the lines of the log and the rows of one run.
        function Invoke-Measurement([string]$Rows) {
            Remove-Item $TestDrive/log -ErrorAction Ignore
            $all = $args
            $null = pwsh -NoProfile -File $folder/memload-measure.ps1 @all -RowPath $Rows -MetricFolder $metrics 2>&1
            @{ Code = $LASTEXITCODE; Log = @(Get-Content $TestDrive/log); Rows = @(if (Test-Path $Rows) { Import-Csv $Rows }) }
        }
    }
    AfterAll { $env:PATH = $before }
    It 'appends rows, replaces metrics and logs each row' {
        $rows = Join-Path $TestDrive good/rows.csv
        $run = Invoke-Measurement $rows $file prod -Strategy 'Stream,Mmap' -Device cpu -FailAbove time=1h
        $run.Code | Should -Be 0
        $run.Rows.Strategy | Should -Be Stream, Mmap
        $run.Log.Count | Should -Be 2
        $pass = 'info\|--\|prod: Stream to cpu: Pass, \d+ µs, \d+ bytes'
        $warn = 'warning\|--\|prod: Stream to cpu: Warn. not as forecast'
        $run.Log[0] | Should -Match "^-t\|memload\|-p\|user\.($pass|$warn)"
        Get-Content -Raw $metrics/memload-prod.prom | Should -Match 'memload_load_success\{model="prod",strategy="Mmap",device="cpu"\} 1'
        (Invoke-Measurement $rows $file prod -Strategy Stream -Device cpu).Rows.Count | Should -Be 3
    }
    It 'logs the reason of a failed row, and fails' {
        $run = Invoke-Measurement (Join-Path $TestDrive slow.csv) $file prod -Strategy Stream -Device cpu -FailAbove host=1000
        $run.Code | Should -Be 1
        $run.Rows.Status | Should -Be Fail
        $run.Log | Should -BeLike '-t|memload|-p|user.err|--|prod: Stream to cpu: Fail. *1000*'
    }
    It 'logs why there is no row' {
        $run = Invoke-Measurement (Join-Path $TestDrive none.csv) /nowhere/model.pth prod
        $run.Code | Should -Be 1
        $run.Rows | Should -BeNullOrEmpty
        $run.Log | Should -BeLike '-t|memload|-p|user.err|--|prod: *no such file (/nowhere/model.pth)*'
    }
    It 'writes rows to a file in the current folder' {
        Push-Location $TestDrive
        try {
            (Invoke-Measurement here.csv $file prod -Strategy Stream -Device cpu).Rows.Count | Should -Be 1
            $env:MEMLOAD_ROWS = 'also-here.csv'
            $null = sh $folder/memload-measure.sh $file prod --strategy Stream --device cpu 2>&1
        }
        finally {
            Pop-Location
            $env:MEMLOAD_ROWS = $null
        }
        @(Import-Csv $TestDrive/also-here.csv).Strategy | Should -Be Stream
    }
    It 'keeps the rows of a version with other columns in another file, with the script of the command line' {
        $rows = Join-Path $TestDrive versions/rows.csv
        $null = New-Item -ItemType Directory (Split-Path $rows)
        Set-Content $rows "Strategy,Device`nMeta,cpu"
        $env:MEMLOAD_ROWS = $rows
        try { 1..2 | ForEach-Object { $null = sh $folder/memload-measure.sh $file prod --strategy Stream --device cpu 2>&1 } }
        finally { $env:MEMLOAD_ROWS = $null }
        Import-Csv $rows | Export-LoadMetric $metrics/versions.prom
        (Import-Csv $rows).Strategy | Should -Be Stream, Stream
        (Import-Csv "$rows.*").Strategy | Should -Be Meta
    }
    It 'is one line of the log with the script of the command line' {
        $rows = Join-Path $TestDrive line/rows.csv
        $env:MEMLOAD_ROWS, $env:MEMLOAD_METRICS = $rows, $metrics
        try {
            foreach ($case in @{ Limit = 'time=1h'; Code = 0; Level = 'info' }, @{ Limit = 'host=1000'; Code = 1; Level = 'err' }) {
                Remove-Item $TestDrive/log -ErrorAction Ignore
                $null = sh $folder/memload-measure.sh $file line --strategy Stream --device cpu --fail-above $case.Limit 2>&1
                $LASTEXITCODE | Should -Be $case.Code
                Get-Content $TestDrive/log | Should -Be "-t|memload|-p|user.$($case.Level)|line: exit code $($case.Code), rows in $rows"
            }
        } finally { $env:MEMLOAD_ROWS = $env:MEMLOAD_METRICS = $null }
        (Import-Csv $rows).Status | Should -Be Pass, Fail
        Get-Content -Raw $metrics/memload-line.prom | Should -Match 'memload_load_status\{model="line",strategy="Stream",device="cpu"\} 2'
    }
}
