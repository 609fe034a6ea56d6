BeforeAll {
    . $PSScriptRoot/common.ps1
    $example = Join-Path $RepositoryRoot examples/Server.Tests.ps1
    $pester = (Get-Module Pester).Path
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $manifest = (New-WeightManifest $file).Manifest
    $good = @{ Path = $file; Manifest = $manifest; Strategy = 'Stream'; Device = 'cpu'; HostMemoryLimit = 1GB; MaxSeconds = 3600; ModulePath = $ModulePath }
    $all = 'has MemLoad', 'has the device cpu', 'has the complete checkpoint', 'loads it in the available memory', 'loads it in time',
    'loads the weights of the manifest'

    $flipped = Join-Path $TestDrive flipped.pth
    Copy-Item $file $flipped
    $tensor = Get-WeightInfo $flipped | Where-Object Name -eq 'trf_blocks.1.norm2.shift'
    $stream = [IO.File]::Open($flipped, 'Open')
    $stream.Position = $tensor.Offset
    $value = $stream.ReadByte()
    $stream.Position = $tensor.Offset
    $stream.WriteByte($value -bxor 1)
    $stream.Dispose()
    $cut = Join-Path $TestDrive cut.pth
    $bytes = [IO.File]::ReadAllBytes($file)
    [IO.File]::WriteAllBytes($cut, $bytes[0..($bytes.Length / 2)])

    function New-Case([hashtable]$Change) {
        $case = $good.Clone()
        $Change.GetEnumerator() | ForEach-Object { $case[$_.Key] = $_.Value }
        $case
    }
    # The case without a module runs first, because an earlier case would have loaded the module.
    $cases = [ordered]@{
        NoModule     = New-Case @{ ModulePath = '/nowhere/MemLoad' }
        Good         = $good
        Little       = @{ Path = $file; Strategy = 'Mmap'; ModulePath = $ModulePath }
        Flipped      = New-Case @{ Path = $flipped }
        HostMemory   = New-Case @{ HostMemoryLimit = 1000 }
        DeviceMemory = New-Case @{ Device = 'sim'; DeviceMemoryLimit = 1000 }
        Seconds      = New-Case @{ MaxSeconds = 1e-9 }
        Cut          = New-Case @{ Path = $cut }
        NoFile       = New-Case @{ Path = '/nowhere/model.pth' }
        NoDevice     = New-Case @{ Device = 'cuda:77' }
    }

    # Runs the example as a pipeline does, in a separate PowerShell process, one case after the other. Returns each test with its case, its
    # result and, if it failed, its last lines.
    $results = Start-Job -ArgumentList $pester, $example, $cases {
        param($Pester, $Example, $Cases)
        Import-Module $Pester
        foreach ($case in $Cases.Keys) {
            $run = Invoke-Pester -Container (New-PesterContainer -Path $Example -Data $Cases[$case]) -PassThru -Output None
            $run.Containers.ErrorRecord | Where-Object { $_ } | ForEach-Object { Write-Error "$_" }
            $run.Tests | ForEach-Object {
                [pscustomobject]@{
                    Case   = $case
                    Name   = $_.ExpandedName
                    Result = "$($_.Result)"
                    Says   = "$($_.ErrorRecord | ForEach-Object { $_.Exception.Message } | Select-Object -First 1)"
                }
            }
        }
    } | Receive-Job -Wait -AutoRemoveJob
    function Get-Result([string]$Case) { $results | Where-Object Case -eq $Case }
    function Assert-OneRed($Tests, [string]$Name, [string]$Says) {
        $red = @($Tests | Where-Object Result -eq Failed)
        $red.Name | Should -Be $Name
        $red[0].Says | Should -BeLike "Server $([Environment]::MachineName): expected $Says"
    }
}
Describe 'examples/Server.Tests.ps1' {
    It 'passes on a good server' {
        $tests = Get-Result Good
        $tests.Name | Should -Be $all
        $tests.Result | Sort-Object -Unique | Should -Be Passed
    }
    It 'tests only what it is told to expect' {
        $tests = Get-Result Little
        ($tests | Where-Object Result -eq Passed).Name | Should -Be $all[0, 2, 3]
        ($tests | Where-Object Result -eq Skipped).Count | Should -Be 3
    }
    It 'fails with one sentence if a bit of the weights is flipped' {
        Assert-OneRed (Get-Result Flipped) $all[5] "the weights of $manifest, but ML6111: 1 of * tensors differs from the manifest: 'trf_blocks.1.norm2.shift'*copy or download them again*"
    }
    It 'fails with one sentence if there is too little memory' {
        $tests = Get-Result HostMemory
        Assert-OneRed $tests $all[3] "$file to load to cpu with strategy Stream, in 0.00 GiB of host memory, but the outcome is Refused: ML7005: *type -Strategy Mmap*"
        ($tests | Where-Object Result -eq Skipped).Name | ForEach-Object { $_ -split ' is skipped' | Select-Object -First 1 } | Should -Be $all[4, 5]
    }
    It 'fails with one sentence if the device has too little memory' {
        Assert-OneRed (Get-Result DeviceMemory) $all[3] "$file to load to sim with strategy Stream, * of device memory, but the outcome is *: ML*"
    }
    It 'fails with one sentence if the load takes too long' {
        Assert-OneRed (Get-Result Seconds) $all[4] ("$file to load to cpu in 1E-09 s, but it took * s, with * % of the file in memory " +
            'beforehand. Check whether its disk is slow*raise MaxSeconds.')
    }
    It 'fails with one sentence if the file is cut off' {
        Assert-OneRed (Get-Result Cut) $all[2] "a complete checkpoint $cut, but ML2001: *cut off*Copy or download the file again*"
    }
    It 'fails with one sentence if the file is missing' {
        $tests = Get-Result NoFile
        Assert-OneRed $tests $all[2] 'a complete checkpoint /nowhere/model.pth, but ML1001: there is no such file (*nowhere?model.pth)*'
        @($tests | Where-Object Result -eq Skipped).Count | Should -Be 3
    }
    It 'fails with one sentence if the device is missing' {
        Assert-OneRed (Get-Result NoDevice) 'has the device cuda:77' `
            'the device cuda:77, but *. Run Get-MemLoadRuntime there to see what is missing.'
    }
    It 'fails with one sentence if MemLoad is missing' {
        Assert-OneRed (Get-Result NoModule) $all[0] "the module MemLoad, but *'/nowhere/MemLoad'*. Install it, or name its folder as ModulePath."
    }
}
