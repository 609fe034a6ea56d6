BeforeAll { . $PSScriptRoot/common.ps1 }

Describe 'A distributed checkpoint' {
    BeforeAll {
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid())))
        Copy-Item (Join-Path $FixturesPath distributed/two-ranks) step-1000 -Recurse
    }
    AfterAll { Pop-Location }
    It 'is listed, tested, planned and written as shards that equal it' {
        $info = Get-WeightInfo step-1000 -Hash -Include model.*
        $info.Format | Sort-Object -Unique | Should -Be Distributed
        (Test-Weights step-1000 -Deep).IsSound | Should -BeTrue
        $plans = Get-LoadPlan step-1000 -Device sim
        ($plans | Where-Object Message -Like 'ML5114*').Strategy | Should -Be Mmap
        Convert-Weights step-1000 -Destination shards -Include model.* -MaxShardSize 100
        (Get-ChildItem shards).Name | Should -Contain model.safetensors.index.json
        $shards = Get-WeightInfo shards -Hash
        ($shards | Sort-Object Name).Sha256 | Should -Be ($info | Sort-Object Name).Sha256
        { Convert-Weights step-1000 -Destination x.safetensors -MaxShardSize 100 -ErrorAction Stop } | Should -Throw -ErrorId 'ML9112,*'
    }
}
