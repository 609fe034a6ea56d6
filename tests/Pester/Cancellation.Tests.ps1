BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $children = { @(Get-Process | Where-Object { $_.Parent.Id -eq $PID }).Count }
}
Describe 'Ctrl-C' {
    It 'ends "<_>" at once, with nothing left behind, and the session usable' -ForEach @(
        'New-GptModel -Size gpt2-xl'
        'Measure-LoadMemory $file -Repeat 50'
        'Measure-LoadMemory $file -Repeat 10000 -InProcess'
        'New-GptModel -Size gpt2-xl -Meta -Name m | ForEach-Object { New-GptModel -Size gpt2-large -Device sim } | Export-Weights -Destination $folder/out.pth'
    ) {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid()))
        $before = & $children
        $ps = [powershell]::Create()
        try {
            $null = $ps.AddScript("param(`$file, `$folder) Import-Module '$ModulePath'; $_").AddArgument($file).AddArgument($folder)
            $running = $ps.BeginInvoke()
            Start-Sleep -Milliseconds 1500
            $running.IsCompleted | Should -BeFalse
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $ps.Stop()
            # A fraction of a second; the rest is for a busy machine. Left to themselves these take far longer.
            $watch.Elapsed.TotalSeconds | Should -BeLessThan 20
            & $children | Should -Be $before
            Get-ChildItem $folder -Force | Should -BeNullOrEmpty
            $ps.Commands.Clear()
            $ps.AddScript('(Get-GptModel | Where-Object State -ne Meta).Count').Invoke() | Should -Be 0
        }
        finally { $ps.Dispose() }
    }
}
