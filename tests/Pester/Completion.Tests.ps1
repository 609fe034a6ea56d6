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
        $found = (Get-Completion $Line).CompletionText | Where-Object { $_ -notlike 'model_state_dict.*' -and $_ -notmatch '^(torch|cuda):' }
        $found | Should -Be $Expected
    }
    It 'offers the session''s models' {
        $null = New-GptModel -Meta -Name 'a model'
        (Get-Completion 'Invoke-GptModel a').CompletionText | Should -Contain "'a model'"
    }
    It 'offers nothing, quietly, for a file that is not there' {
        (Get-Completion 'Get-WeightInfo nothing.pth -Key x').CompletionText | Where-Object { $_ -notlike '*nothing*' } | Should -BeNullOrEmpty
    }
}
