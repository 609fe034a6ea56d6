BeforeDiscovery { . $PSScriptRoot/common.ps1 }
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $ids = 1, 5, 9
    $expected = (Invoke-GptModel (New-GptModel @TinyGpt) $ids).Logits
}
AfterAll { Clear-ModelMemory }
Describe 'Import-Weights' {
    It 'loads a model with <_> that computes the same' -ForEach ([enum]::GetNames([MemLoad.Strategy])) {
        foreach ($device in 'cpu', 'sim') {
            $model = Import-Weights $file -Strategy $_ -Device $device -HeadCount 2
            (Invoke-GptModel $model $ids).Logits | Should -Be $expected
            Remove-GptModel $model
        }
    }
    It 'fills a model without memory' {
        $meta = New-GptModel @TinyGpt -Meta
        $back = Import-Weights $file -Model $meta -Strategy Mmap
        [object]::ReferenceEquals($back, $meta) | Should -BeTrue
        $meta.State, $meta.Strategy | Should -Be Loaded, Mmap
        (Invoke-GptModel $meta $ids).Logits | Should -Be $expected
    }
    It 'casts weights during a load, into a model or without one' {
        $plain = Import-Weights $file -HeadCount 2
        $cast = Import-Weights $file -HeadCount 2 -DType bfloat16
        ($cast.ModelBytes * 2), $cast.ParameterCount | Should -Be $plain.ModelBytes, $plain.ParameterCount
        $logits = (Invoke-GptModel $cast $ids).Logits
        for ($i = 0; $i -lt $logits.Count; $i++) { [math]::Abs($logits[$i] - $expected[$i]) | Should -BeLessThan 0.1 }
        $meta = New-GptModel @TinyGpt -Meta
        (Invoke-GptModel (Import-Weights $file -Model $meta -DType bfloat16 -Device cpu -Strategy Stream) $ids).Logits | Should -Be $logits
    }
    It 'overwrites the weights of a model if there is no memory for a second copy' {
        $own = Join-Path $TestDrive own.pth
        $null = Export-Weights (New-GptModel @TinyGpt -Seed 9) $own
        foreach ($device in 'cpu', 'sim') {
            $model = Import-Weights $own -Device $device -Strategy Stream -HeadCount 2
            $limit = if ($device -eq 'sim') { @{ DeviceMemoryLimit = 1MB } } else { @{ HostMemoryLimit = 1KB } }
            { Import-Weights $file -Device $device -Strategy Stream @limit -ErrorAction Stop } | Should -Throw -ErrorId 'ML700?,*'
            $memory = $model.AsWeights()
            $back = Import-Weights $file -Model $model -Device $device -Strategy Stream @limit
            $back.Id, $back.Path, $back.State | Should -Be $model.Id, $file, 'Loaded'
            [object]::ReferenceEquals($memory, $back.AsWeights()) | Should -BeTrue
            (Invoke-GptModel $back $ids).Logits | Should -Be $expected
        }
    }
    It 'loses the weights of a model, and reports it, if overwriting them fails' {
        $model = Import-Weights $file -Device cpu -Strategy Stream -HeadCount 2
        $manifest = (New-WeightManifest (Export-Weights (New-GptModel @TinyGpt -Seed 10) (Join-Path $TestDrive other.pth)).FullName).Manifest
        { Import-Weights $file -Model $model -Device cpu -Strategy Stream -Manifest $manifest -HostMemoryLimit 1KB -ErrorAction Stop } | Should -Throw -ErrorId 'ML6111,*'
        $model.State | Should -Be Meta
        { Invoke-GptModel $model $ids -ErrorAction Stop } | Should -Throw -ErrorId 'ML6027,*'
    }
    It 'finds a model by name' {
        $null = New-GptModel @TinyGpt -Meta -Name by-name
        (Import-Weights $file -Model by-name).Name | Should -Be by-name
        { Import-Weights $file -Model nobody } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MemLoad.Commands.ImportWeightsCommand'
    }
    It 'loads a plan as it was planned' {
        $plans = Get-LoadPlan $file -Strategy PerTensor, Sequential -Device cpu, sim -Include '*att*', 'out*' -DType bfloat16
        $models = $plans | Import-Weights
        "$($models.Strategy) $($models.Device)" | Should -Be "$($plans.Strategy) $($plans.Device)"
        $models.ModelBytes | Should -Be $plans.ModelBytes
        ($plans | ConvertTo-Csv | ConvertFrom-Csv | Import-Weights).ModelBytes | Should -Be $plans.ModelBytes
        $small = Get-LoadPlan $file -Strategy Stream -Device cpu -HostMemoryLimit 1KB
        { $small | Import-Weights -ErrorAction Stop } | Should -Throw -ErrorId 'ML7005,*'
        # A row that says less takes the defaults, and not what the row before it said.
        $after = $plans[0], [pscustomobject]@{ Path = $file; Key = '' } | Import-Weights -HeadCount 2
        $after[1].ModelBytes | Should -BeGreaterThan $after[0].ModelBytes
        $part = $plans[0] | New-WeightManifest -Destination (Join-Path $TestDrive part.manifest.json)
        $part.TensorCount | Should -Be $plans[0].TensorCount
    }
    It 'refuses the parameters of a new model together with -Model' {
        $meta = New-GptModel @TinyGpt -Meta -Name kept
        { Import-Weights $file -Model $meta -Name other } | Should -Throw -ErrorId 'ML6031,*'
        { Import-Weights $file -Model $meta -HeadCount 4 } | Should -Throw -ErrorId 'ML6031,*'
        "$($meta.Name) $($meta.State)" | Should -Be 'kept Meta'
    }
    It 'refuses weights that do not fit the model' {
        $other = New-GptModel -VocabularySize 64 -ContextLength 16 -EmbeddingSize 8 -LayerCount 3 -HeadCount 2 -Meta
        { Import-Weights $file -Model $other -ErrorAction Stop } | Should -Throw -ErrorId 'ML6007,MemLoad.Commands.ImportWeightsCommand'
        $other.State | Should -Be Meta
    }
    It 'refuses a load that exceeds a limit, before memory is allocated, unless forced' {
        $before = @(Get-GptModel).Count
        { Import-Weights $file -Strategy Baseline -HeadCount 2 -HostMemoryLimit 1KB -ErrorAction Stop } | Should -Throw -ErrorId 'ML7005,MemLoad.Commands.ImportWeightsCommand'
        { Import-Weights $file -Strategy Baseline -HeadCount 2 -DeviceMemoryLimit 1KB -ErrorAction Stop } | Should -Throw -ErrorId 'ML7006,MemLoad.Commands.ImportWeightsCommand'
        @(Get-GptModel).Count | Should -Be $before
        (Import-Weights $file -Strategy Baseline -HeadCount 2 -HostMemoryLimit 1KB -Force).State | Should -Be Loaded
    }
    It 'uses the fastest strategy that fits by default, and shows which and why' {
        $verbose, $model = (Import-Weights $file -HeadCount 2 -Verbose 4>&1).Where({ $_ -is [System.Management.Automation.VerboseRecord] }, 'Split')
        $model.Strategy | Should -BeIn $StrategyNames
        "$verbose" | Should -BeLike "*$($model.Strategy)*the fastest plan that fits*"
        "$verbose" | Should -BeLike '*on sim (a simulated accelerator).*'
    }
    It 'has the default device of every other command' {
        $types = 'Import-Weights', 'Measure-LoadMemory', 'Get-LoadPlan', 'New-GptModel' | ForEach-Object { (Get-Command $_).ImplementingType }
        $types | ForEach-Object { [Activator]::CreateInstance($_).Device } | Sort-Object -Unique | Should -Be ([MemLoad.DeviceRegistry]::Default)
    }
    It 'states in a refusal the limit, the shortage and a strategy to use, and that strategy works' {
        try { Import-Weights $file -Strategy Baseline -HeadCount 2 -HostMemoryLimit 2KB -ErrorAction Stop } catch { $refusal = $_ }
        $refusal.Exception.Message | Should -BeLike '*more than the 2.0 KiB it may use: the limit given is 2.0 KiB*'
        $null = $refusal.Exception.Message -match 'type -Strategy (\w+)'
        (Import-Weights $file -Strategy $Matches[1] -HeadCount 2 -HostMemoryLimit 2KB).State | Should -Be Loaded
    }
    It 'warns if the number of heads is not known, and loads any state dict' {
        $null = Import-Weights $file -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings[0].Message | Should -BeLike '*-HeadCount*'
        (Import-Weights (Join-Path $FixturesPath dtypes/all.safetensors)).State | Should -Be Loaded
    }
    It 'continues after a mapped file is cut short, and reports what happened' -Skip:(-not $IsLinux) {
        $own = Join-Path $TestDrive cut.pth
        Copy-Item $file $own
        $model = Import-Weights $own -Strategy Mmap -Device cpu -HeadCount 2
        [IO.File]::WriteAllText($own, 'short')
        { Invoke-GptModel $model $ids -ErrorAction Stop } | Should -Throw -ErrorId 'ML1006,MemLoad.Commands.InvokeGptModelCommand'
        { Export-Weights $model (Join-Path $TestDrive copy.pth) -ErrorAction Stop } | Should -Throw -ErrorId 'ML1006,MemLoad.Commands.ExportWeightsCommand'
        Join-Path $TestDrive copy.pth | Should -Not -Exist
        Remove-GptModel $model
    }
    It 'does not map a file that is open for writing, unless forced' -Skip:(-not $IsLinux) {
        $writer = [IO.FileStream]::new($file, 'Open', 'Write', 'ReadWrite')
        try {
            { Import-Weights $file -Strategy Mmap -Device cpu -HeadCount 2 -ErrorAction Stop } | Should -Throw -ErrorId 'ML1012,MemLoad.Commands.ImportWeightsCommand'
            (Import-Weights $file -Device cpu -HeadCount 2).Strategy | Should -Not -Be Mmap
            (Measure-LoadMemory $file -Strategy Mmap -Device cpu -InProcess -ErrorAction SilentlyContinue).Outcome | Should -Be Refused
            $forced = Import-Weights $file -Strategy Mmap -Device cpu -HeadCount 2 -Force -WarningVariable warning -WarningAction SilentlyContinue
            $forced.Strategy | Should -Be Mmap
            "$warning" | Should -BeLike '*another program has it open for writing*'
        }
        finally { $writer.Dispose() }
    }
}
