BeforeAll {
    . $PSScriptRoot/common.ps1
    Push-Location $FixturesPath
}
AfterAll { Pop-Location; Clear-ModelMemory }
Describe 'Tab completion' {
    It 'offers <Expected> for "<Line>"' -ForEach @(
        @{ Line = 'New-GptModel -Size gpt2-'; Expected = 'gpt2-small', 'gpt2-medium', 'gpt2-large', 'gpt2-xl' }
        @{ Line = 'Measure-LoadMemory -Device '; Expected = 'cpu', 'sim' }
        @{ Line = 'Import-Weights x.pth -Strategy St'; Expected = , 'Stream' }
        @{ Line = 'Import-Weights x.pth -DType '; Expected = 'BFloat16', 'Float16', 'Float32' }
        @{ Line = 'Get-WeightInfo containers/model_and_optimizer.pth -Key mod'; Expected = , 'model_state_dict' }
        @{ Line = 'Get-WeightInfo tiny/fp32.pth -Include tok'; Expected = , 'tok_emb.weight' }
        @{ Line = 'Get-WeightInfo -LiteralPath tiny/fp32.pth -Include out'; Expected = , 'out_head.weight' }
    ) {
        $found = (Get-Completion $Line).CompletionText | Where-Object { $_ -notlike 'model_state_dict.*' -and $_ -notmatch '^(torch|cuda|sim):' }
        $found | Should -Be $Expected
    }
    It 'offers the models of the session' {
        $null = New-GptModel -Meta -Name 'a model'
        (Get-Completion 'Invoke-GptModel a').CompletionText | Should -Contain "'a model'"
    }
    It 'offers nothing and no error for a missing file' {
        (Get-Completion 'Get-WeightInfo nothing.pth -Key x').CompletionText | Where-Object { $_ -notlike '*nothing*' } | Should -BeNullOrEmpty
    }
}
Describe 'Completion of the command memload' {
    BeforeDiscovery {
        . $PSScriptRoot/common.ps1
        $noProgram = $IsWindows -or -not $MemLoadAssembly
    }
    It 'is taken from "memload completion pwsh"' -Skip:$noProgram {
        $folder = New-ProgramFolder (Join-Path $TestDrive bin)
        $before = $env:PATH
        try {
            $env:PATH = "$folder$([IO.Path]::PathSeparator)$before"
            memload completion pwsh | Out-String | Invoke-Expression
            (Get-Completion 'memload me').CompletionText | Should -Be measure
            (Get-Completion 'memload measure --strategy Stream,Mm').CompletionText | Should -Be 'Stream,Mmap'
            (Get-Completion 'memload measure --format ').CompletionText | Should -Be csv, json, prom, table
            (Get-Completion 'memload measure --path "a b" --dev').CompletionText | Should -Be --device, --device-memory-limit
            (Get-Completion 'memload help run').CompletionText | Should -Be runtime
            Set-Content (Join-Path $TestDrive here.pth) ''
            Push-Location $TestDrive
            (Get-Completion 'memload measure --path he').CompletionText | Should -BeLike '*here.pth'
        } finally {
            if ((Get-Location).Path -eq (Resolve-Path $TestDrive).Path) { Pop-Location }
            $env:PATH = $before
        }
    }
}
