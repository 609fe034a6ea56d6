BeforeDiscovery { . $PSScriptRoot/common.ps1 }
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = (New-Item -ItemType Directory (Join-Path $TestDrive server)).FullName
    $file = Join-Path $folder model.safetensors
    New-TinyCheckpoint (Join-Path $TestDrive model.pth)
    $null = Convert-Weights (Join-Path $TestDrive model.pth) $file
    Set-Content (Join-Path $folder config.json) '{"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"hidden_size":4096}'
    $probe = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $probe.Start()
    $port = $probe.LocalEndpoint.Port
    $probe.Stop()
    $listener = [Net.HttpListener]::new()
    $listener.Prefixes.Add("http://127.0.0.1:$port/")
    $listener.Start()
    # Serves ranges of the files in the folder.
    $job = Start-ThreadJob -ArgumentList $listener, $folder {
        param($listener, $folder)
        while ($listener.IsListening) {
            $context = $listener.GetContext()
            $answer = $context.Response
            $path = Join-Path $folder $context.Request.Url.AbsolutePath
            if (Test-Path $path -PathType Leaf) {
                $bytes = [IO.File]::ReadAllBytes($path)
                if ("$($context.Request.Headers['Range'])" -match '^bytes=(\d+)-(\d+)$') {
                    $first = [int]$Matches[1]
                    $last = [math]::Min([int]$Matches[2], $bytes.Length - 1)
                    $answer.StatusCode = 206
                    $answer.Headers['Content-Range'] = "bytes $first-$last/$($bytes.Length)"
                    $bytes = [byte[]]$bytes[$first..$last]
                }
                $answer.ContentLength64 = $bytes.Length
                $answer.OutputStream.Write($bytes, 0, $bytes.Length)
            }
            else { $answer.StatusCode = 404 }
            $answer.Close()
        }
    }
    $address = "http://user:s3cret@127.0.0.1:$port/model.safetensors?token=s3cret"
    $shown = "http://127.0.0.1:$port/model.safetensors"
}
AfterAll {
    $listener.Close()
    $job | Remove-Job -Force
}
Describe 'A checkpoint on a server' {
    It 'has the plan of the file, with the KV cache' {
        $remote = Get-LoadPlan $address -Strategy Meta, Stream -Device sim -DeviceMemoryLimit 5GB -ContextLength 8192 -Sequences 4
        $local = Get-LoadPlan $file -Strategy Meta, Stream -Device sim -DeviceMemoryLimit 5GB
        $remote.Path | Sort-Object -Unique | Should -Be $shown
        $remote.ForecastDeviceBytes | Should -Be $local.ForecastDeviceBytes
        $remote.ForecastHostBytes | Should -Be $local.ForecastHostBytes
        $remote.KvCacheBytes | Sort-Object -Unique | Should -Be (131072 * 8192 * 4)
        $remote[0].KvCacheFormula | Should -Be '2 x 32 layers x 8 heads x 128 x 2 bytes x 8192 tokens x 4 sequences'
        $remote.FitsWithKvCache | Sort-Object -Unique | Should -BeTrue
        $local[0].KvCacheBytes | Should -BeNullOrEmpty
        (Get-LoadPlan $address -Strategy Meta -ContextLength 8192 -CacheDType float8e4m3fn).KvCacheBytes | Should -Be (65536 * 8192)
    }
    It 'has its tensors listed' {
        $remote = Get-WeightInfo $address
        $local = Get-WeightInfo -LiteralPath $file
        $remote.Name | Should -Be $local.Name
        $remote.Offset | Should -Be $local.Offset
        $remote.File | Sort-Object -Unique | Should -Be $shown
        (Get-WeightInfo $address -Include *norm*).Count | Should -BeLessThan $local.Count
    }
    It 'is refused if its bytes are needed, and no error contains a secret' {
        $problems = @()
        $null = Measure-LoadMemory $address -Strategy Stream -ErrorVariable +problems -ErrorAction SilentlyContinue
        $null = Import-Weights $address -ErrorVariable +problems -ErrorAction SilentlyContinue
        $null = Convert-Weights $address (Join-Path $TestDrive x.pth) -ErrorVariable +problems -ErrorAction SilentlyContinue
        $null = Test-Weights $address -Deep -ErrorVariable +problems -ErrorAction SilentlyContinue
        $null = New-WeightManifest $address (Join-Path $TestDrive x.json) -ErrorVariable +problems -ErrorAction SilentlyContinue
        $null = Get-WeightInfo $address -Hash -ErrorVariable +problems -ErrorAction SilentlyContinue
        $problems = @($problems | Where-Object { $_ -is [Management.Automation.ErrorRecord] })
        $problems.Count | Should -Be 6
        $problems.FullyQualifiedErrorId | ForEach-Object { $_ | Should -BeLike 'ML5201,*' }
        foreach ($problem in $problems) {
            "$problem $($problem.ErrorDetails) $($problem.TargetObject) $($problem.Exception)" | Should -Not -BeLike '*s3cret*'
        }
        Join-Path $TestDrive x.pth | Should -Not -Exist
        Join-Path $TestDrive x.json | Should -Not -Exist
    }
    It 'is requested from the hub only with -Remote' {
        $before = $env:HF_ENDPOINT, $env:HF_HUB_CACHE
        try {
            $env:HF_ENDPOINT = "http://127.0.0.1:$port"
            $env:HF_HUB_CACHE = Join-Path $TestDrive cache
            $at = New-Item -ItemType Directory (Join-Path $folder org/name/resolve/main)
            Copy-Item $file $at
            { Get-LoadPlan hf://org/name -ErrorAction Stop } | Should -Throw -ErrorId 'ML5018*'
            (Get-LoadPlan hf://org/name -Remote -Strategy Stream).Path | Should -Be "http://127.0.0.1:$port/org/name/resolve/main/model.safetensors"
            (Get-WeightInfo hf://org/name -Remote).Count | Should -Be (Get-WeightInfo $file).Count
        }
        finally { $env:HF_ENDPOINT, $env:HF_HUB_CACHE = $before }
    }
}
