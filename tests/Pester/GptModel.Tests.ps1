BeforeAll { . $PSScriptRoot/common.ps1 }
AfterAll { Clear-ModelMemory }
Describe 'New-GptModel' {
    It 'builds equal weights from equal seeds' {
        $one, $two, $three = 7, 7, 8 | ForEach-Object { New-GptModel @TinyGpt -Seed $_ }
        $a, $b, $c = $one, $two, $three | ForEach-Object { , (Invoke-GptModel $_ 1, 2).Logits }
        $a | Should -Be $b
        $a | Should -Not -Be $c
    }
    It 'uses no memory for a meta model' {
        $before = (Get-MemoryUsage).HostBytes
        $model = New-GptModel -Size gpt2-xl -Meta
        $model.ParameterCount | Should -Be 1688354048
        $model.ModelBytes | Should -Be 0
        (Get-MemoryUsage).HostBytes - $before | Should -BeLessThan 16MB
    }
    It 'refuses impossible dimensions' {
        $problem = { New-GptModel -VocabularySize 64 -ContextLength 16 -EmbeddingSize 8 -LayerCount 2 -HeadCount 3 -ErrorAction Stop } |
            Should -Throw -ErrorId 'ML6022,MemLoad.Commands.NewGptModelCommand' -PassThru
        $problem.TargetObject | Should -BeNullOrEmpty
        { New-GptModel -Size gpt9 -ErrorAction Stop } | Should -Throw -ErrorId 'ML6008,MemLoad.Commands.NewGptModelCommand'
    }
    It 'refuses a model that does not fit, before it uses memory, on <_>' -ForEach cpu, sim {
        $eightTiB = @{ VocabularySize = [int]::MaxValue; ContextLength = 1; EmbeddingSize = 1024; LayerCount = 1; HeadCount = 1 }
        $before = (Get-MemoryUsage).HostBytes
        { New-GptModel @eightTiB -Device $_ -ErrorAction Stop } | Should -Throw -ErrorId 'ML7005,MemLoad.Commands.NewGptModelCommand'
        (Get-MemoryUsage).HostBytes - $before | Should -BeLessThan 16MB
        (New-GptModel @eightTiB -Device $_ -Meta | Remove-GptModel) | Should -BeNullOrEmpty
    }
    It 'builds in <_>' -ForEach Float16, BFloat16 {
        (Invoke-GptModel (New-GptModel @TinyGpt -DType $_) 1).Shape | Should -Be '1,1,64'
    }
}
Describe 'Get-GptModel' {
    It 'lists models by name, only those of this runspace' {
        $null = New-GptModel @TinyGpt -Name only-here
        (Get-GptModel only-*).Name | Should -Be only-here
        $elsewhere = 1 | ForEach-Object -Parallel { Import-Module $using:ModulePath; @(Get-GptModel).Count }
        $elsewhere | Should -Be 0
    }
    It 'does not list a model that a script or another runspace has disposed' {
        $models = 1..2 | ForEach-Object { New-GptModel @TinyGpt -Name gone }
        $models[0].Dispose()
        $models[1] | ForEach-Object -Parallel { Import-Module $using:ModulePath; Remove-GptModel $_ }
        $models.State | Should -Be Removed, Removed
        Get-GptModel gone* | Should -BeNullOrEmpty
    }
    It 'returns the model of the exact name, also with wildcard characters in it' {
        'odd[1]', 'odd1', 'open[1' | ForEach-Object { $null = New-GptModel @TinyGpt -Meta -Name $_ }
        (Get-GptModel odd[1]).Name | Should -Be odd[1]
        (Get-GptModel OPEN[1, odd1).Name | Should -Be odd1, open[1
        (Get-GptModel odd[12]).Name | Should -Be odd1
        'odd[1]', 'odd1', 'open[1' | Remove-GptModel
    }
    It 'reports that there is no model of a name, and returns the others' {
        $null = New-GptModel @TinyGpt -Meta -Name here-1
        $found = Get-GptModel nosuch, here-1, nothing*, HERE-? -ErrorVariable problems -ErrorAction SilentlyContinue
        $found.Name | Should -Be here-1
        $problems.Count | Should -Be 1
        $problems[0].FullyQualifiedErrorId | Should -Be 'ML6030,MemLoad.Commands.GetGptModelCommand'
        $problems[0].CategoryInfo.Category | Should -Be ObjectNotFound
        $problems[0].TargetObject | Should -Be nosuch
    }
}
Describe 'Invoke-GptModel' {
    It 'refuses token ids and models that cannot be run' {
        $model = New-GptModel @TinyGpt
        { Invoke-GptModel $model 64 -ErrorAction Stop } | Should -Throw -ErrorId 'ML6025,MemLoad.Commands.InvokeGptModelCommand'
        { Invoke-GptModel $model (, 1 * 17) -ErrorAction Stop } | Should -Throw -ErrorId 'ML6026,MemLoad.Commands.InvokeGptModelCommand'
        { Invoke-GptModel (New-GptModel @TinyGpt -Meta) 1 -ErrorAction Stop } | Should -Throw -ErrorId 'ML6027,MemLoad.Commands.InvokeGptModelCommand'
        Remove-GptModel $model
        { Invoke-GptModel $model 1 -ErrorAction Stop } | Should -Throw -ErrorId 'ML6028,MemLoad.Commands.InvokeGptModelCommand'
    }
}
Describe 'A model on the simulated device' {
    It 'is not host memory, also after it was run' {
        Clear-ModelMemory
        $before = (Get-MemoryUsage).HostBytes
        $model = New-GptModel -VocabularySize 50257 -ContextLength 64 -EmbeddingSize 256 -LayerCount 2 -HeadCount 2 -Device sim
        $first = (Invoke-GptModel $model 1, 2).NextTokenId
        (Invoke-GptModel $model 1, 2).NextTokenId | Should -Be $first
        (Get-MemoryUsage).HostBytes - $before | Should -BeLessThan 32MB
        Remove-GptModel $model
    }
}
Describe 'Remove-GptModel' {
    It 'releases the memory' {
        # After the first model, only its code stays in the process.
        New-GptModel -VocabularySize 50257 -ContextLength 64 -EmbeddingSize 512 -LayerCount 2 -HeadCount 2 -Device cpu | Remove-GptModel
        Clear-ModelMemory
        $before = (Get-MemoryUsage).HostBytes
        $model = New-GptModel -VocabularySize 50257 -ContextLength 64 -EmbeddingSize 512 -LayerCount 2 -HeadCount 2 -Device cpu
        (Get-MemoryUsage).HostBytes - $before | Should -BeGreaterThan 150MB
        Remove-GptModel $model
        (Get-MemoryUsage).HostBytes - $before | Should -BeLessThan 32MB
        $model.State | Should -Be Removed
    }
    It 'accepts names with wildcards' {
        'w-1', 'w-2', 'w[3]', 'x-1' | ForEach-Object { $null = New-GptModel @TinyGpt -Meta -Name $_ }
        Remove-GptModel -Name nothing*
        Remove-GptModel w[3]
        (Get-GptModel w*, x*).Name | Should -Be w-1, w-2, x-1
        Remove-GptModel -Name w*, x-1
        Get-GptModel w*, x* | Should -BeNullOrEmpty
        { Remove-GptModel -Name w-1 } | Should -Throw "*There is no model 'w-1' in this session*"
    }
    It 'removes all models of a name, and shows their ids' {
        $twins = 1..2 | ForEach-Object { New-GptModel @TinyGpt -Meta -Name twin }
        $script = "Import-Module '$ModulePath'; `$m = New-GptModel -Meta -Name twin; Remove-GptModel twin -WhatIf; `$m.Id"
        $said = Invoke-ThisPowerShell -NoProfile -Command $script
        "$said" | Should -Match 'twin \(id (\d+), \d+ bytes\)".* \1$'
        Remove-GptModel $twins[0].Id
        (Get-GptModel twin).Id | Should -Be $twins[1].Id
        $null = New-GptModel @TinyGpt -Meta -Name twin
        Remove-GptModel TWIN
        Get-GptModel twin* | Should -BeNullOrEmpty
    }
    It 'accepts ids of 64 bits, as JSON gives them, and lists of names' {
        $models = 'l-1', 'l-2', 'l-3', 'l-4' | ForEach-Object { New-GptModel @TinyGpt -Meta -Name $_ }
        Remove-GptModel ($models[0] | Select-Object Id | ConvertTo-Json | ConvertFrom-Json).Id
        Remove-GptModel ([System.Collections.Generic.List[object]]('l-2', $models[2]))
        Remove-GptModel ([string[]]'l-4')
        Get-GptModel l-* | Should -BeNullOrEmpty
    }
    It 'does nothing under -WhatIf' {
        $model = New-GptModel @TinyGpt
        Remove-GptModel $model -WhatIf
        Clear-ModelMemory -WhatIf
        $model.State | Should -Be Built
    }
}
Describe 'Memory of the session' {
    It 'counts device memory and its peak' {
        Clear-ModelMemory
        $file = Join-Path $TestDrive model.pth
        New-TinyCheckpoint $file
        Reset-MemoryPeak
        $model = Import-Weights $file -Strategy Meta -HeadCount 2
        $usage = Get-MemoryUsage
        $usage.PeakDeviceBytes | Should -Be (Get-LoadPlan $file -Strategy Meta).ForecastDeviceBytes
        $usage.DeviceBytes | Should -Be (Get-LoadPlan $file -Strategy Mmap).ForecastDeviceBytes
        Clear-ModelMemory
        (Get-MemoryUsage).ModelCount, (Get-MemoryUsage).PeakDeviceBytes | Should -Be 0, 0
        $model.State | Should -Be Removed
    }
}
