BeforeAll { . $PSScriptRoot/common.ps1 }
Describe 'Get-MemLoadRuntime' {
    It 'lists devices, with the reason where one is absent' {
        $devices = Get-MemLoadRuntime
        ($devices | Where-Object Available).Device | Should -Be cpu, sim
        $devices | Where-Object -Not Available | ForEach-Object { $_.Details | Should -Not -BeNullOrEmpty }
        $devices[0].CacheFolder | Should -Not -BeNullOrEmpty
    }
}
