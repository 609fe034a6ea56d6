#Requires -Version 7.6

<#
.SYNOPSIS
    Tests with Pester 5.7 or 6 that a model loads on this server, within a budget and a time, with the expected weights.
.DESCRIPTION
    Copy this script to your own pipeline and set the parameters. The message of a failed test has the server, the expected value, the
    actual value and the remedy. If a test failed, tests that depend on it are skipped. The script loads the model in its own process.
.PARAMETER Path
    Specifies the checkpoint on this server.
.PARAMETER Manifest
    Specifies a manifest of the expected weights (New-WeightManifest) on this server. Without a manifest, the weights are not tested.
.PARAMETER Strategy
    Specifies the load strategy. Auto selects the fastest strategy that fits.
.PARAMETER Device
    Specifies the device: cpu, cuda:0, sim. The default is the first card, otherwise sim.
.PARAMETER HostMemoryLimit
    Specifies the maximum host memory of the load, in bytes, such as 4GB. The limits of the server always apply.
.PARAMETER DeviceMemoryLimit
    Specifies the maximum device memory of the load, in bytes.
.PARAMETER MaxSeconds
    Specifies the maximum time of the load.
.PARAMETER TimeoutSeconds
    Specifies the time after which the script ends a load that does not respond. The test then fails.
.PARAMETER ModulePath
    Specifies the module, if it is not installed.
.EXAMPLE
    Invoke-Pester -Container (New-PesterContainer -Path Server.Tests.ps1 -Data @{ Path = '/models/model.pth'; HostMemoryLimit = 2GB; MaxSeconds = 60 })
.EXAMPLE
    $models = @{ Path = '/models/a.safetensors'; Manifest = '/models/a.manifest.json'; Device = 'cuda:0' }, @{ Path = '/models/b.pth'; Device = 'cpu' }
    Invoke-Pester -Container ($models | ForEach-Object { New-PesterContainer -Path Server.Tests.ps1 -Data $_ })

    These commands test two models with different expectations.
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

        # Fails a test with one message.
        function Stop-Test([string]$Expected, [string]$Found, [string]$Remedy) {
            $found = $Found.Trim() -replace '\s+', ' '
            throw "Server ${server}: expected $Expected, but $($found.TrimEnd('.')). $Remedy".TrimEnd()
        }
        function Format-Gigabyte([long]$Bytes) { ($Bytes / 1GB).ToString('0.00', [cultureinfo]::InvariantCulture) + ' GiB' }
        # Formats an error as MemLoad does: the rule, the finding, the remedy.
        function Format-Problem($Record) {
            "$($Record.FullyQualifiedErrorId)" -match '^(ML\d{4}),' ? "$($Matches[1]): $($Record.Exception.Message)" : "$($Record.Exception.Message)"
        }

        # These variables hold the problems. Each test evaluates its own problem.
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
            # The job has a time limit. The load runs in its own process.
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
        # Only these errors mean other weights. All other errors mean that there was no load.
        $wrongWeights = "$problem" -match '^ML61\d\d:'
    }

    It 'has MemLoad' {
        if ($noModule) { Stop-Test 'the module MemLoad' $noModule 'Install it, or name its folder as ModulePath.' }
    }
    It "has the device $Device" -Skip:(-not $Device) {
        if ($noModule) { Set-ItResult -Skipped -Because 'there is no MemLoad' }
        if ($noDevice) { Stop-Test "the device $Device" $noDevice 'Run Get-MemLoadRuntime there to see what is missing.' }
    }
    It 'has the complete checkpoint' {
        if ($noModule) { Set-ItResult -Skipped -Because 'there is no MemLoad' }
        if ($unsound) { Stop-Test "a complete checkpoint $Path" $unsound '' }
    }
    It 'loads it in the available memory' {
        if (-not $canLoad) { Set-ItResult -Skipped -Because 'it could not be tried' }
        $expected = "$Path to load ${to}with strategy $Strategy"
        if ($HostMemoryLimit) { $expected += ", in $(Format-Gigabyte $HostMemoryLimit) of host memory" }
        if ($DeviceMemoryLimit) { $expected += ", in $(Format-Gigabyte $DeviceMemoryLimit) of device memory" }
        if ($timedOut) {
            Stop-Test $expected "it had not ended after $TimeoutSeconds s" `
                'Check whether its disk or network drive responds, or raise TimeoutSeconds.'
        }
        if ($problem -and -not $wrongWeights) { Stop-Test $expected "the outcome is $($row.Outcome ?? 'Failed'): $problem" '' }
        if (-not $row) { Stop-Test $expected 'there is no row of it' 'Run Measure-LoadMemory on this server to see the error.' }
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
            Stop-Test "$Path to load ${to}in $($MaxSeconds.ToString([cultureinfo]::InvariantCulture)) s" $says `
                'Check whether its disk is slow or the server is busy, or raise MaxSeconds.'
        }
    }
    It 'loads the weights of the manifest' -Skip:(-not $Manifest) {
        if (-not $wrongWeights -and ($problem -or -not $row)) { Set-ItResult -Skipped -Because 'it did not load' }
        if ($wrongWeights) { Stop-Test "the weights of $Manifest" $problem '' }
        if ($row.WeightsDigest -ne $row.ManifestDigest) { Stop-Test "the weights of $Manifest, digest $($row.ManifestDigest)" "$($row.WeightsDigest) was loaded" 'Copy the checkpoint to this server again.' }
    }
}
