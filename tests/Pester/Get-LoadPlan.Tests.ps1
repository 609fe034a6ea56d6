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
        # The notebook's model: twice 6.29 GiB, after the allocator's rounding.
        [math]::Round($row.ForecastDeviceBytes / 1GB, 2) | Should -Be 12.83
    }
    It 'says what does not fit' {
        $row = Get-LoadPlan $file -Strategy Baseline -HostMemoryLimit 1KB
        $row.Fits | Should -BeFalse
        $row.Message | Should -BeLike 'ML7005:*'
    }
    It 'gives steps whose totals peak where the forecast says' -ForEach ([enum]::GetNames([MemLoad.Strategy])) {
        $steps = Get-LoadPlan $file -Strategy $_ -Detailed
        $row = Get-LoadPlan $file -Strategy $_
        ($steps | Measure-Object HostBytes -Maximum).Maximum | Should -Be $row.ForecastHostBytes
        ($steps | Measure-Object DeviceBytes -Maximum).Maximum | Should -BeLessOrEqual $row.ForecastDeviceBytes
    }
    It 'has stable error ids' {
        { Get-LoadPlan nothing.pth -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,MemLoad.Commands.GetLoadPlanCommand'
    }
}
