BeforeAll { . $PSScriptRoot/common.ps1 }
Describe 'Get-MemLoadRuntime' {
    It 'lists devices, with the reason if one is not available' {
        $devices = Get-MemLoadRuntime
        $devices.Device | Select-Object -First 4 | Should -Be cpu, sim, 'sim:unified', 'cuda:0'
        ($devices | Where-Object Available).Device | Select-Object -First 2 | Should -Be cpu, sim
        $devices | Where-Object -Not Available | ForEach-Object { $_.Details | Should -Not -BeNullOrEmpty }
        $devices | Where-Object { $_.Available -and $_.Device -match '^torch' } | ForEach-Object {
            $_.Library | Should -Match '^TorchSharp \d+\.\d+\.\d+, libtorch \d+\.\d+\.\d+$'
            $_.LibraryPath | Should -Exist
        }
        $devices[0].CacheFolder | Should -Not -BeNullOrEmpty
    }
    It 'shows how much host memory a load can use, and what limits it' {
        $runtime = (Get-MemLoadRuntime)[0]
        $runtime.HostBudgetBytes | Should -BeGreaterThan 0
        $runtime.HostBudgetBytes | Should -BeLessThan $runtime.AvailableMemoryBytes
        $runtime.HostLimit | Should -Be $runtime.Headroom.Binding.Name
        $runtime.HostLimitReason | Should -Not -BeNullOrEmpty
        ($runtime.Headroom.Limits | Where-Object Counts -ne Locked | Measure-Object BudgetBytes -Minimum).Minimum | Should -Be $runtime.HostBudgetBytes
        ($runtime | ConvertTo-Csv | ConvertFrom-Csv).Headroom | Should -BeLike "*$($runtime.HostLimit): $($runtime.HostLimitReason)*"
    }
}
