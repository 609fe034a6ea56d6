BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    # One tensor of 256 GiB, which is a hole in the file. Hashing it takes minutes. Windows would use the disk space, so these tests are
    # left out there.
    $wide = Join-Path $TestDrive wide.safetensors
    $bytes = 256GB
    $header = [Text.Encoding]::UTF8.GetBytes("{`"a`":{`"dtype`":`"U8`",`"shape`":[$bytes],`"data_offsets`":[0,$bytes]}}")
    [IO.File]::WriteAllBytes($wide, [BitConverter]::GetBytes([long]$header.Length) + $header)
    $stream = [IO.File]::OpenWrite($wide)
    if (-not $IsWindows) { $stream.SetLength(8 + $header.Length + $bytes) }
    $stream.Dispose()
    $children = { @(Get-Process | Where-Object { $_.Parent.Id -eq $PID }).Count }
}
Describe 'Ctrl-C' {
    It 'ends "<_>" immediately, without files left, and the session continues' -ForEach (@(
        'New-GptModel -Size gpt2-xl'
        'Measure-LoadMemory $file -Repeat 50'
        'Measure-LoadMemory $file -Repeat 10000 -InProcess'
        'New-GptModel -Size gpt2-xl -Meta -Name m | ForEach-Object { New-GptModel -Size gpt2-large -Device sim } | Export-Weights -Destination $folder/out.pth'
    ) + @('Get-WeightInfo $wide -Hash', 'Test-Weights $wide -Deep', 'New-WeightManifest $wide $folder/out.manifest.json').Where({ -not $IsWindows })) {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        $before = & $children
        $ps = [powershell]::Create()
        try {
            $null = $ps.AddScript("param(`$file, `$folder, `$wide) Import-Module '$ModulePath'; $_").AddArgument($file).AddArgument($folder).AddArgument($wide)
            $running = $ps.BeginInvoke()
            Start-Sleep -Milliseconds 1500
            $running.IsCompleted | Should -BeFalse
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $ps.Stop()
            # The command ends in a fraction of a second. The rest of the limit is for a busy machine. Without cancellation these commands
            # take far longer.
            $watch.Elapsed.TotalSeconds | Should -BeLessThan 20
            & $children | Should -Be $before
            Get-ChildItem $folder -Force | Should -BeNullOrEmpty
            $ps.Commands.Clear()
            $ps.AddScript('(Get-GptModel | Where-Object State -ne Meta).Count').Invoke() | Should -Be 0
        }
        finally { $ps.Dispose() }
    }
}
