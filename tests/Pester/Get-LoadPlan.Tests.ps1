BeforeDiscovery { . $PSScriptRoot/common.ps1 }
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
}
Describe 'Get-LoadPlan' {
    It 'forecasts every strategy and loads nothing' {
        $rows = Get-LoadPlan $file
        $rows.Strategy | Should -Be $StrategyNames
        (Get-LoadPlan $file -HostMemoryLimit 1GB).Fits | Sort-Object -Unique | Should -BeTrue
    }
    It 'needs no file to plan for a size' {
        $before = $env:MEMLOAD_CACHE
        try {
            $env:MEMLOAD_CACHE = Join-Path $TestDrive no-cache
            $row = Get-LoadPlan -Size gpt2-xl -Strategy Meta
            $env:MEMLOAD_CACHE | Should -Not -Exist
        }
        finally { $env:MEMLOAD_CACHE = $before }
        # The notebook's model needs twice 6.29 GiB, after the allocator's rounding.
        [math]::Round($row.ForecastDeviceBytes / 1GB, 2) | Should -Be 12.83
    }
    It 'reports what does not fit' {
        $row = Get-LoadPlan $file -Strategy Baseline -HostMemoryLimit 1KB
        $row.Fits | Should -BeFalse
        $row.Message | Should -BeLike 'ML7005:*'
    }
    It 'returns rows that do not fit without an error, and has an error only if Auto finds no plan' {
        $rows = Get-LoadPlan $file -DeviceMemoryLimit 1KB -ErrorAction Stop
        $rows.Fits | Sort-Object -Unique | Should -BeFalse
        $row = Get-LoadPlan $file -Strategy Auto -DeviceMemoryLimit 1KB -ErrorVariable problem -ErrorAction SilentlyContinue
        $row.Fits | Should -BeFalse
        $problem.FullyQualifiedErrorId | Should -Be 'ML7006,MemLoad.Commands.GetLoadPlanCommand'
    }
    It 'plans a cast, which halves the model and not the file' {
        $plain = Get-LoadPlan $file -Strategy Meta
        $cast = Get-LoadPlan $file -Strategy Meta -DType bfloat16
        $cast.DType, $plain.DType | Should -Be 'bfloat16', $null
        ($cast.ModelBytes * 2), $cast.FileBytes, $cast.ForecastHostBytes | Should -Be $plain.ModelBytes, $plain.FileBytes, $plain.ForecastHostBytes
        { Get-LoadPlan $file -DType Int8 -ErrorAction Stop } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,MemLoad.Commands.GetLoadPlanCommand'
    }
    It 'gives steps whose totals have the peaks of the forecast' -ForEach ([enum]::GetNames([MemLoad.Strategy])) {
        $steps = Get-LoadPlan $file -Strategy $_ -Detailed
        $row = Get-LoadPlan $file -Strategy $_
        ($steps | Measure-Object HostBytes -Maximum).Maximum | Should -Be $row.ForecastHostBytes
        ($steps | Measure-Object DeviceBytes -Maximum).Maximum | Should -BeLessOrEqual $row.ForecastDeviceBytes
    }
    It 'marks the steps that reach the peaks' {
        $row = Get-LoadPlan $file -Strategy Sequential
        $steps = Get-LoadPlan $file -Strategy Sequential -Detailed
        @($steps | Where-Object IsHostPeak).HostBytes | Should -Be $row.ForecastHostBytes
        @($steps | Where-Object IsDevicePeak).DeviceBytes | Should -Be $row.ForecastDeviceBytes
    }
    It 'shows what Auto would choose and why, and what a load can use here' {
        $row = Get-LoadPlan $file -Strategy Auto
        $row.Strategy | Should -Be Auto
        $row.ChosenStrategy | Should -BeIn $StrategyNames
        $row.Note | Should -BeLike '*the fastest plan that fits*'
        $row.ForecastMicroseconds | Should -BeGreaterThan 0
        $row.HostBudgetBytes | Should -BeGreaterThan 0
        $row.HostLimit | Should -Not -BeNullOrEmpty
    }
    It 'splits a checkpoint among ranks, each tensor exactly once' {
        $whole = Get-LoadPlan $file -Strategy Mmap
        $ranks = 0..2 | ForEach-Object { Get-LoadPlan $file -Strategy Mmap -Rank $_ -RankCount 3 }
        ($ranks | Measure-Object TensorCount -Sum).Sum | Should -Be $whole.TensorCount
        ($ranks | Measure-Object ModelBytes -Sum).Sum | Should -Be $whole.ModelBytes
        { Get-LoadPlan $file -Rank 3 -RankCount 3 -ErrorAction Stop } | Should -Throw -ErrorId 'ML6009,*'
    }

    It 'gives each rank a slice of each tensor' {
        $whole = Get-LoadPlan $file -Strategy Stream
        $ranks = Get-LoadPlan $file -Strategy Stream -Device sim -RankCount 2 -Split Columns
        $ranks.Split | Should -Be 'Columns', 'Columns'
        $ranks.TensorCount | Should -Be $whole.TensorCount, $whole.TensorCount
        $ranks[0].ModelBytes | Should -BeLessThan ($whole.ModelBytes * 0.75)
        $rows = $ranks | Measure-LoadMemory
        $rows.Split | Should -Be 'Columns', 'Columns'
        $rows.AsForecast | Should -Be $true, $true
        ($rows | ConvertTo-Csv | ConvertFrom-Csv | Get-LoadPlan).Split | Should -Be 'Columns', 'Columns'
        { Get-LoadPlan $file -Split Rows -ErrorAction Stop } | Should -Throw -ErrorId 'ML6018,*'
    }
    It 'passes the request of its own row to Measure-LoadMemory' {
        $asked = [pscustomobject]@{ Path = $file; Key = 'trf_blocks.0'; Include = '*weight'; HostMemoryLimit = 1KB },
            [pscustomobject]@{ Path = $file }
        $plans = $asked | Get-LoadPlan -Strategy Mmap -Device cpu
        $plans.Key | Should -Be trf_blocks.0
        ($plans | Measure-LoadMemory -InProcess).TensorCount | Should -Be $plans.TensorCount
        $plans[1].PSObject.Properties.Name | Should -Not -Contain HostMemoryLimit
    }
    It 'keeps its patterns in CSV, JSON and XML, one or several, also with commas' {
        foreach ($patterns in @('*weight'), @('*weight', '*,[(]*')) {
            $plan = Get-LoadPlan $file -Include $patterns -Exclude '*att*' -Strategy Mmap -Device cpu
            $plan.Include | Should -Be $patterns
            foreach ($back in ($plan | ConvertTo-Csv | ConvertFrom-Csv), ($plan | ConvertTo-Json | ConvertFrom-Json),
                [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($plan))) {
                ($back | Get-LoadPlan).TensorCount | Should -Be $plan.TensorCount
                ($back | Measure-LoadMemory -InProcess).TensorCount | Should -Be $plan.TensorCount
            }
            $plan | ConvertTo-Csv | Should -Not -BeLike '*System.*'
            ($plan | ConvertTo-Json | ConvertFrom-Json).Include | Should -Be $patterns
        }
    }
    It 'gives steps that have their device and rank' {
        $steps = Get-LoadPlan $file -Strategy Stream -Device sim -RankCount 2 -Detailed
        @($steps | Group-Object Rank).Name | Should -Be 0, 1
        $steps | Out-String | Should -Match '(?s)Stream rank 0 on sim.*Stream rank 1 on sim'
        $steps = Get-LoadPlan $file -Strategy Stream -Device cpu, sim -Detailed
        @($steps | Group-Object Device).Name | Should -Be cpu, sim
        $steps | Out-String | Should -Match '(?s)Stream on cpu.*Stream on sim'
    }
    It 'passes the complete request to Measure-LoadMemory' {
        $asked = @{ Device = 'sim'; Strategy = 'Stream', 'Baseline'; DType = 'Float16'; Include = '*weight', '*scale'; Exclude = 'out*'; Rank = 1; RankCount = 2; HostMemoryLimit = 10KB; DeviceMemoryLimit = 1GB }
        $plans = Get-LoadPlan $file @asked
        $rows = $plans | Measure-LoadMemory -InProcess -ErrorAction SilentlyContinue
        $direct = Measure-LoadMemory $file @asked -InProcess -ErrorAction SilentlyContinue
        # The result is the same after another session and after a file.
        $there = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($plans)) | Measure-LoadMemory -InProcess -ErrorAction SilentlyContinue
        foreach ($column in 'Strategy', 'Device', 'DType', 'Path', 'Rank', 'RankCount', 'TensorCount', 'ModelBytes', 'Outcome', 'WeightsDigest', 'DeviceBudgetBytes', 'ForecastDeviceBytes') {
            $rows.$column | Should -Be $direct.$column -Because $column
            $there.$column | Should -Be $direct.$column -Because $column
        }
        @($rows.Outcome | Sort-Object -Unique).Count | Should -Be 2
        # Rows of a whole checkpoint have no rank, and may have none in a file.
        $whole = Measure-LoadMemory $file -Strategy Stream -Device cpu -InProcess
        ($whole | ConvertTo-Csv | ConvertFrom-Csv | Measure-LoadMemory -InProcess).WeightsDigest | Should -Be $whole.WeightsDigest
        ($whole | ConvertTo-Csv | ConvertFrom-Csv | Get-LoadPlan).RankCount | Should -BeNullOrEmpty
        ($rows | ConvertTo-Csv | ConvertFrom-Csv | Get-LoadPlan).RankCount | Should -Be 2, 2
        $cells = "Path,Strategy,Device,HostMemoryLimit,DeviceMemoryLimit,Key,Include,Exclude,Rank,RankCount`n$file,Stream,cpu,,,,,,," | ConvertFrom-Csv
        ($cells | Measure-LoadMemory -InProcess).WeightsDigest | Should -Be $whole.WeightsDigest
    }
    It 'has its checkpoint generated when it is measured, except with -WhatIf' {
        $before = $env:MEMLOAD_CACHE
        try {
            $env:MEMLOAD_CACHE = Join-Path $TestDrive cache
            $plan = Get-LoadPlan -Size gpt2-small -Strategy Mmap -Device cpu
            $plan.Path | Should -Not -Exist
            ($plan | Get-LoadPlan).ForecastHostFileBytes | Should -Be $plan.ForecastHostFileBytes
            $plan | Measure-LoadMemory -WhatIf | Should -BeNullOrEmpty
            Measure-LoadMemory -Size gpt2-small -WhatIf | Should -BeNullOrEmpty
            $env:MEMLOAD_CACHE | Should -Not -Exist
            $row = $plan | Measure-LoadMemory -InProcess
            $row.Outcome, $row.Size, $row.Path | Should -Be Loaded, gpt2-small, $plan.Path
            $row.ForecastHostFileBytes | Should -Be $plan.ForecastHostFileBytes
        }
        finally {
            $env:MEMLOAD_CACHE = $before
            Remove-Item (Join-Path $TestDrive cache) -Recurse -ErrorAction Ignore
        }
    }
    It 'accepts a size of the KV cache only with a context length' {
        { Get-LoadPlan $file -Sequences 2 } | Should -Throw -ErrorId 'ML6043,*' -ExpectedMessage '*-Sequences is given*-ContextLength*'
        { Get-LoadPlan $file -CacheDType float32 } | Should -Throw -ErrorId 'ML6043,*' -ExpectedMessage '*-CacheDType*-ContextLength*'
    }
    It 'accepts sizes as the command line does' {
        foreach ($size in '2G', '2GB', 2GB, '2 GiB', '2147483648') {
            (Get-LoadPlan $file -Strategy Mmap -Device cpu -HostMemoryLimit $size).HostMemoryLimit | Should -Be 2GB
        }
        $plan = Get-LoadPlan $file -Strategy Mmap -Device sim -HostMemoryLimit 2G -DeviceMemoryLimit 1K
        ($plan.HostMemoryLimit, $plan.DeviceMemoryLimit) -join ' ' | Should -Be '2147483648 1024'
    }
    It 'has stable error ids' {
        { Get-LoadPlan nothing.pth -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,MemLoad.Commands.GetLoadPlanCommand'
    }
}
