#Requires -Version 7.6
<#
.SYNOPSIS
    Verifies a server with Pester 5.7 or 6: this model loads here, within this budget, in this time, with these weights.
.DESCRIPTION
    For your own pipeline: copy it, and say what you expect. Whatever is red ends in a sentence that names the server, what was expected, what was found,
    and what to do. What cannot be judged because of something that is red already, is skipped. The load is a real one, in a process of its own.
.PARAMETER Path
    The checkpoint on this server.
.PARAMETER Manifest
    A manifest of the weights that it must have (New-WeightManifest), on this server. Without one, which weights they are is not tested.
.PARAMETER Strategy
    How to load. Auto takes the fastest way that fits.
.PARAMETER Device
    Where to load: cpu, cuda:0, sim. By default the first card, else sim.
.PARAMETER HostMemoryLimit
    Most host memory that the load may take, in bytes, such as 4GB. What the server itself allows is tested in any case.
.PARAMETER DeviceMemoryLimit
    Most device memory that the load may take, in bytes.
.PARAMETER MaxSeconds
    Longest time that the load itself may take.
.PARAMETER TimeoutSeconds
    When to give up: a load that hangs is red, and ended.
.PARAMETER ModulePath
    The module, where it is not installed.
.EXAMPLE
    Invoke-Pester -Container (New-PesterContainer -Path Server.Tests.ps1 -Data @{ Path = '/models/model.pth'; HostMemoryLimit = 2GB; MaxSeconds = 60 })
.EXAMPLE
    $models = @{ Path = '/models/a.safetensors'; Manifest = '/models/a.manifest.json'; Device = 'cuda:0' }, @{ Path = '/models/b.pth'; Device = 'cpu' }
    Invoke-Pester -Container ($models | ForEach-Object { New-PesterContainer -Path Server.Tests.ps1 -Data $_ })

    Two models, each with its own expectations.
#>
param(
    [Parameter(Mandatory)]
    [ValidateNotNullOrEmpty()]
    [string]$Path,

    [string]$Manifest,

    [ValidateNotNullOrEmpty()]
    [string]$Strategy = 'Auto',

    [string]$Device,

    [ValidateRange('NonNegative')]
    [Alias('MaxHostMemory')]
    [long]$HostMemoryLimit,

    [ValidateRange('NonNegative')]
    [Alias('MaxDeviceMemory')]
    [long]$DeviceMemoryLimit,

    [ValidateRange('NonNegative')]
    [double]$MaxSeconds,

    [ValidateRange('Positive')]
    [int]$TimeoutSeconds = 3600,

    [string]$ModulePath
)

Describe "$([Environment]::MachineName) and $Path" {
    BeforeAll {
        $server = [Environment]::MachineName
        $to = $Device ? "to $Device " : ''

        # The one sentence that a red test ends in.
        function Stop-Test([string]$Expected, [string]$Found, [string]$Remedy) {
            $found = $Found.Trim() -replace '\s+', ' '
            throw "Server ${server}: expected $Expected, but $($found.TrimEnd('.')). $Remedy".TrimEnd()
        }
        function Format-Gigabyte([long]$Bytes) { ($Bytes / 1GB).ToString('0.00', [cultureinfo]::InvariantCulture) + ' GiB' }
        # As every message of MemLoad: the rule, what was found, what to do.
        function Format-Problem($Record) {
            "$($Record.FullyQualifiedErrorId)" -match '^(ML\d{4}),' ? "$($Matches[1]): $($Record.Exception.Message)" : "$($Record.Exception.Message)"
        }

        # What is wrong is kept here, and judged in the test that it belongs to.
        $noModule = $noDevice = $unsound = $problem = $row = $null
        $timedOut = $false
        try {
            $module = Import-Module ($ModulePath ? $ModulePath : 'MemLoad') -PassThru -ErrorAction Stop | Where-Object Name -eq MemLoad
        }
        catch { $noModule = "$_" }

        if (-not $noModule -and $Device) {
            $there = @(Get-MemLoadRuntime | Where-Object Device -eq $Device)
            if (-not $there) { $noDevice = "it has $((Get-MemLoadRuntime | Where-Object Available).Device -join ', ')" }
            elseif (-not $there[0].Available) { $noDevice = "$($there[0].Details)" }
        }
        if (-not $noModule) {
            try {
                $verdict = Test-Weights -LiteralPath $Path -ErrorAction Stop
                if (-not $verdict.IsSound) { $unsound = "$($verdict.RuleId): $("$($verdict.Finding)".TrimEnd('.')). $($verdict.Remedy)" }
            }
            catch { $unsound = Format-Problem $_ }
        }
        $canLoad = -not ($noModule -or $noDevice -or $unsound)
        if ($canLoad) {
            $given = @{ LiteralPath = (Resolve-Path -LiteralPath $Path).ProviderPath; Strategy = $Strategy }
            if ($Manifest) { $given.Manifest = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Manifest) }
            if ($Device) { $given.Device = $Device }
            if ($HostMemoryLimit) { $given.HostMemoryLimit = $HostMemoryLimit }
            if ($DeviceMemoryLimit) { $given.DeviceMemoryLimit = $DeviceMemoryLimit }
            # A thread, to be able to give up: the load itself has a process of its own.
            $job = Start-ThreadJob -ArgumentList (Join-Path $module.ModuleBase MemLoad.psd1), $given {
                param($Module, $Given)
                $ProgressPreference = 'SilentlyContinue'
                Import-Module $Module
                Measure-LoadMemory @Given
            }
            $timedOut = -not (Wait-Job $job -Timeout $TimeoutSeconds)
            $row = Receive-Job $job -ErrorAction SilentlyContinue -ErrorVariable problems | Select-Object -First 1
            Remove-Job $job -Force
            $problem = $problems | Select-Object -First 1 | ForEach-Object { Format-Problem $_ }
            if (-not $problem -and $row -and $row.Outcome -ne 'Loaded') { $problem = "$($row.Message)" }
        }
        # These say that other weights were found; everything else, that there was no load.
        $wrongWeights = "$problem" -match '^ML61\d\d:'
    }

    It 'has MemLoad' {
        if ($noModule) { Stop-Test 'the module MemLoad' $noModule 'Install it, or name its folder as ModulePath.' }
    }
    It "has the device $Device" -Skip:(-not $Device) {
        if ($noModule) { Set-ItResult -Skipped -Because 'there is no MemLoad' }
        if ($noDevice) { Stop-Test "the device $Device" $noDevice 'Run Get-MemLoadRuntime there: it says what is missing.' }
    }
    It 'has the checkpoint, whole' {
        if ($noModule) { Set-ItResult -Skipped -Because 'there is no MemLoad' }
        if ($unsound) { Stop-Test "a whole checkpoint $Path" $unsound '' }
    }
    It 'loads it in the memory that there is' {
        if (-not $canLoad) { Set-ItResult -Skipped -Because 'it could not be tried' }
        $expected = "$Path to load ${to}with strategy $Strategy"
        if ($HostMemoryLimit) { $expected += ", in $(Format-Gigabyte $HostMemoryLimit) of host memory" }
        if ($DeviceMemoryLimit) { $expected += ", in $(Format-Gigabyte $DeviceMemoryLimit) of device memory" }
        if ($timedOut) { Stop-Test $expected "it had not ended after $TimeoutSeconds s" 'See whether its disk or network drive answers, or raise TimeoutSeconds.' }
        if ($problem -and -not $wrongWeights) { Stop-Test $expected "the outcome is $($row.Outcome ?? 'Failed'): $problem" '' }
        if (-not $row) { Stop-Test $expected 'there is no row of it' 'Run Measure-LoadMemory there, and see what it says.' }
        if ($HostMemoryLimit -and $row.PeakHostBytes -gt $HostMemoryLimit) {
            Stop-Test $expected "it took $(Format-Gigabyte $row.PeakHostBytes) of host memory" 'Choose another Strategy (Get-LoadPlan compares them), or raise HostMemoryLimit.'
        }
        if ($DeviceMemoryLimit -and $row.PeakDeviceReservedBytes -gt $DeviceMemoryLimit) {
            Stop-Test $expected "it took $(Format-Gigabyte $row.PeakDeviceReservedBytes) of device memory" 'Choose another Strategy (Get-LoadPlan compares them), or raise DeviceMemoryLimit.'
        }
    }
    It 'loads it in time' -Skip:(-not $MaxSeconds) {
        if ($null -eq $row.ElapsedMicroseconds) { Set-ItResult -Skipped -Because 'it did not load' }
        $took = $row.ElapsedMicroseconds / 1e6
        if ($took -gt $MaxSeconds) {
            $cached = $row.FileBytes ? [long](100 * $row.CachedBytesAtStart / $row.FileBytes) : 0
            $says = [string]::Format([cultureinfo]::InvariantCulture, 'it took {0:0.###} s, with {1} % of the file in memory beforehand', $took, $cached)
            Stop-Test "$Path to load ${to}in $($MaxSeconds.ToString([cultureinfo]::InvariantCulture)) s" $says 'See whether its disk is slow or the server is busy, or raise MaxSeconds.'
        }
    }
    It 'loads the weights of the manifest' -Skip:(-not $Manifest) {
        if (-not $wrongWeights -and ($problem -or -not $row)) { Set-ItResult -Skipped -Because 'it did not load' }
        if ($wrongWeights) { Stop-Test "the weights of $Manifest" $problem '' }
        if ($row.WeightsDigest -ne $row.ManifestDigest) { Stop-Test "the weights of $Manifest, digest $($row.ManifestDigest)" "$($row.WeightsDigest) was loaded" 'Copy the checkpoint to this server again.' }
    }
}
