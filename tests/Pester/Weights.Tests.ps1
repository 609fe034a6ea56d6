BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $hashes = (Get-WeightInfo $file -Hash).Sha256
}
AfterAll { Clear-ModelMemory }
Describe 'Get-WeightInfo' {
    It 'says of the fixtures what PyTorch wrote' -ForEach 'tiny/fp32.pth', 'tiny/bf16.safetensors', 'layout/views_and_shared.pth' {
        $expected = Get-Content (Join-Path $FixturesPath "$_.expected.json") | ConvertFrom-Json
        $found = Get-WeightInfo (Join-Path $FixturesPath $_) -Hash
        ($found | Sort-Object Name).Name | Should -Be ($expected.tensors | Sort-Object name).name
        ($found | Sort-Object Name).Sha256 | Should -Be ($expected.tensors | Sort-Object name).sha256
    }
    It 'narrows by key and name' {
        (Get-WeightInfo $file -Include *.mask).Count | Should -Be 2
        { Get-WeightInfo $file -Include nothing* -ErrorAction Stop } | Should -Throw -ErrorId 'ML6006,MemLoad.Commands.GetWeightInfoCommand'
    }
}
Describe 'Test-Weights' {
    It 'gives a verdict a file, with the broken rule' {
        $verdicts = Get-ChildItem (Join-Path $FixturesPath tiny/*.pth) | Test-Weights
        ($verdicts | Where-Object -Not IsSound).RuleId | Should -Be ML3004
        ($verdicts | Where-Object IsSound).Count | Should -Be 5
    }
    It 'says what was found and what to do' {
        $verdict = Test-Weights (Join-Path $FixturesPath tiny/whole_module.pth)
        $verdict.Verdict | Should -Be Unsound
        $verdict.Finding | Should -Match 'not a state dict'
        $verdict.Remedy | Should -Match 'state_dict'
        $verdict.Offset | Should -BeOfType long
    }
    It 'reads everything with -Deep' {
        $verdict = Test-Weights (Join-Path $FixturesPath tiny/fp32.pth) -Deep
        $verdict.Verdict | Should -Be Sound
        $verdict.VerifiedRecordCount | Should -BeGreaterThan 0
        $verdict.NanCount | Should -Be 0
        (Test-Weights (Join-Path $FixturesPath tiny/fp32.pth)).NanCount | Should -BeNullOrEmpty
        $rotten = Join-Path $TestDrive rotten.pth
        $bytes = [System.IO.File]::ReadAllBytes($file)
        $offset = (Get-WeightInfo $file)[0].Offset
        $bytes[$offset] = $bytes[$offset] -bxor 1
        [System.IO.File]::WriteAllBytes($rotten, $bytes)
        (Test-Weights $rotten).Verdict | Should -Be Sound
        (Test-Weights $rotten -Deep).RuleId | Should -Be ML2016
    }
    It 'shows every property in the list' {
        $list = Test-Weights $file | Format-List | Out-String -Width 300
        foreach ($name in [MemLoad.WeightVerdict].GetProperties().Name | Where-Object { $_ -ne 'EqualityContract' }) { $list | Should -Match "(?m)^$name +:" }
    }
    It 'passes sound files on' {
        (Test-Weights $file | Where-Object IsSound | Get-LoadPlan -Strategy Mmap).Path | Should -Be $file
    }
    It 'makes an error of a path that is not there' {
        { Test-Weights nothing.pth -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,MemLoad.Commands.TestWeightsCommand'
    }
}
Describe 'Convert-Weights and Export-Weights' {
    It 'writes <_> that holds the same weights' -ForEach 'out.safetensors', 'out.pth', 'out' {
        $target = Join-Path $TestDrive "convert-$_"
        (Convert-Weights $file $target).FullName | Should -Be $target
        (Get-WeightInfo $target -Hash | Sort-Object Name).Sha256 | Should -Be (Get-WeightInfo $file -Hash | Sort-Object Name).Sha256
        $model = Import-Weights $file -HeadCount 2
        $exported = Join-Path $TestDrive "export-$_"
        (Export-Weights $model $exported).FullName | Should -Be $exported
        (Get-WeightInfo $exported -Hash | Sort-Object Name).Sha256 | Should -Be (Get-WeightInfo $file -Hash | Sort-Object Name).Sha256
    }
    It 'replaces nothing unless forced' {
        $target = Join-Path $TestDrive there.safetensors
        $null = Convert-Weights $file $target
        { Convert-Weights $file $target -ErrorAction Stop } | Should -Throw -ErrorId 'ML9102,MemLoad.Commands.ConvertWeightsCommand'
        { Convert-Weights $file $target -Force -ErrorAction Stop } | Should -Not -Throw
    }
    It 'writes nothing under -WhatIf' {
        $target = Join-Path $TestDrive whatif.safetensors
        Convert-Weights $file $target -WhatIf
        Export-Weights (New-GptModel @TinyGpt) $target -WhatIf
        $target | Should -Not -Exist
    }
    It 'wants to know the format' {
        { Convert-Weights $file (Join-Path $TestDrive out.xyz) -ErrorAction Stop } | Should -Throw -ErrorId 'ML9101,*'
        { Convert-Weights $file -ErrorAction Stop } | Should -Throw -ErrorId 'ML9101,*'
    }
    It 'exports no model without weights' {
        { Export-Weights (New-GptModel @TinyGpt -Meta) (Join-Path $TestDrive meta.pth) -ErrorAction Stop } | Should -Throw -ErrorId 'ML6027,MemLoad.Commands.ExportWeightsCommand'
    }
}
