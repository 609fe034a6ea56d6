BeforeAll {
    . $PSScriptRoot/common.ps1
    $example = Join-Path $RepositoryRoot examples/Server.Tests.ps1
    $pester = (Get-Module Pester).Path
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $manifest = (New-WeightManifest $file).Manifest
    $good = @{ Path = $file; Manifest = $manifest; Strategy = 'Stream'; Device = 'cpu'; HostMemoryLimit = 1GB; MaxSeconds = 3600; ModulePath = $ModulePath }
    $all = 'has MemLoad', 'has the device cpu', 'has the checkpoint, whole', 'loads it in the memory that there is', 'loads it in time', 'loads the weights of the manifest'

    # As a pipeline runs it: in a PowerShell of its own. Gives each test with its result and, where it is red, its last words.
    function Invoke-Example([hashtable]$Data) {
        Start-Job -ArgumentList $pester, $example, $Data {
            param($Pester, $Example, $Data)
            Import-Module $Pester
            $run = Invoke-Pester -Container (New-PesterContainer -Path $Example -Data $Data) -PassThru -Output None
            $run.Containers.ErrorRecord | Where-Object { $_ } | ForEach-Object { Write-Error "$_" }
            $run.Tests | ForEach-Object { [pscustomobject]@{ Name = $_.ExpandedName; Result = "$($_.Result)"; Says = "$($_.ErrorRecord | ForEach-Object { $_.Exception.Message } | Select-Object -First 1)" } }
        } | Receive-Job -Wait -AutoRemoveJob
    }
    function Assert-OneRed($Tests, [string]$Name, [string]$Says) {
        $red = @($Tests | Where-Object Result -eq Failed)
        $red.Name | Should -Be $Name
        $red[0].Says | Should -BeLike "Server $([Environment]::MachineName): expected $Says"
    }
}
Describe 'examples/Server.Tests.ps1' {
    It 'is green on a good server' {
        $tests = Invoke-Example $good
        $tests.Name | Should -Be $all
        $tests.Result | Sort-Object -Unique | Should -Be Passed
    }
    It 'asks only what it is told to expect' {
        $tests = Invoke-Example @{ Path = $file; Strategy = 'Mmap'; ModulePath = $ModulePath }
        ($tests | Where-Object Result -eq Passed).Name | Should -Be $all[0, 2, 3]
        ($tests | Where-Object Result -eq Skipped).Count | Should -Be 3
    }
    It 'is red, with a sentence, where a bit of the weights is flipped' {
        $bad = Join-Path $TestDrive flipped.pth
        Copy-Item $file $bad
        $tensor = Get-WeightInfo $bad | Where-Object Name -eq 'trf_blocks.1.norm2.shift'
        $stream = [IO.File]::Open($bad, 'Open')
        $stream.Position = $tensor.Offset
        $value = $stream.ReadByte()
        $stream.Position = $tensor.Offset
        $stream.WriteByte($value -bxor 1)
        $stream.Dispose()
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.Path = $bad; $_ })
        Assert-OneRed $tests $all[5] "the weights of $manifest, but ML6111: 1 of * tensors differs from the manifest: 'trf_blocks.1.norm2.shift'*copy or download them again*"
    }
    It 'is red, with a sentence, where there is too little memory' {
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.HostMemoryLimit = 1000; $_ })
        Assert-OneRed $tests $all[3] "$file to load to cpu with strategy Stream, in 0.00 GiB of host memory, but the outcome is Refused: ML7005: *type -Strategy Mmap*"
        ($tests | Where-Object Result -eq Skipped).Name | ForEach-Object { $_ -split ' is skipped' | Select-Object -First 1 } | Should -Be $all[4, 5]
    }
    It 'is red, with a sentence, where the device has too little' {
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.Device = 'sim'; $_.MaxDeviceMemory = 1000; $_ })
        Assert-OneRed $tests $all[3] "$file to load to sim with strategy Stream, * of device memory, but the outcome is *: ML*"
    }
    It 'is red, with a sentence, where it takes too long' {
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.MaxSeconds = 1e-9; $_ })
        Assert-OneRed $tests $all[4] "$file to load to cpu in 1E-09 s, but it took * s, with * % of the file in memory beforehand. See whether its disk is slow*raise MaxSeconds."
    }
    It 'is red, with a sentence, where the file is cut off' {
        $bad = Join-Path $TestDrive cut.pth
        $bytes = [IO.File]::ReadAllBytes($file)
        [IO.File]::WriteAllBytes($bad, $bytes[0..($bytes.Length / 2)])
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.Path = $bad; $_ })
        Assert-OneRed $tests $all[2] "a whole checkpoint $bad, but ML2001: *cut off*Copy or download the file again*"
    }
    It 'is red, with a sentence, where the file is missing' {
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.Path = '/nowhere/model.pth'; $_ })
        Assert-OneRed $tests $all[2] 'a whole checkpoint /nowhere/model.pth, but ML1001: there is no such file (/nowhere/model.pth)*'
        @($tests | Where-Object Result -eq Skipped).Count | Should -Be 3
    }
    It 'is red, with a sentence, where the device is missing' {
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.Device = 'cuda:77'; $_ })
        Assert-OneRed $tests 'has the device cuda:77' 'the device cuda:77, but *. Run Get-MemLoadRuntime there: it says what is missing.'
    }
    It 'is red, with a sentence, where MemLoad is missing' {
        $tests = Invoke-Example ($good + @{} | ForEach-Object { $_.ModulePath = '/nowhere/MemLoad'; $_ })
        Assert-OneRed $tests $all[0] "the module MemLoad, but *'/nowhere/MemLoad'*. Install it, or name its folder as ModulePath."
    }
}
