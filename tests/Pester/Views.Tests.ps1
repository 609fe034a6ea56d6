BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $views = ([xml](Get-Content -Raw (Join-Path $RepositoryRoot module/MemLoad.Format.ps1xml))).Configuration.ViewDefinitions.View | ForEach-Object {
        @{ View = $_.Name; Type = @($_.ViewSelectedBy.TypeName)[0]; Format = $_.TableControl ? 'Format-Table' : $_.ListControl ? 'Format-List' : 'Format-Custom'; Xml = $_.OuterXml }
    }
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive 'a-model-with-a-name-that-is-as-long-as-names-of-checkpoints-are.pth'
    New-TinyCheckpoint $file
    $broken = Join-Path $TestDrive broken.pth
    Copy-Item $file $broken
    $manifest = (New-WeightManifest $file).Manifest
    $bytes = [IO.File]::ReadAllBytes($broken)
    $offset = (Get-WeightInfo $file)[0].Offset
    $bytes[$offset] = $bytes[$offset] -bxor 1
    [IO.File]::WriteAllBytes($broken, $bytes)
    $killed = [MemLoad.LoadMeasurement]@{
        Strategy = 'Mmap'; Device = 'sim'; Outcome = 'Killed'; Path = $file; Run = 1; HostName = 'node-7'; StartedAt = '2026-01-02T03:04:05.678+00:00'; ModuleVersion = '0.1.0'
        Message = 'ML8015: the measured process touched mapped bytes that no longer exist (SIGBUS): the file became shorter meanwhile, ' +
            'or its disk could not be read. Measure again when no program writes to the file.'
    }
    $rows = @(
        Measure-LoadMemory $file -Strategy Stream -Repeat 2
        Measure-LoadMemory $file -Strategy Auto -Device cpu
        Measure-LoadMemory $file -Strategy Baseline -DeviceMemoryLimit 1KB -ErrorAction SilentlyContinue
        Measure-LoadMemory $broken -Strategy Meta -Manifest $manifest -ErrorAction SilentlyContinue
        $killed
    )
    # Returns the text of a view on one line, because the positions of its line breaks are not tested.
    function Get-Shown($Rows, [int]$Width) {
        $text = $Rows | Out-String -Width $Width
        foreach ($line in $text -split '\r?\n') { $line.TrimEnd().Length | Should -BeLessOrEqual $Width }
        $text -replace '\s+', ' '
    }
}
AfterAll { Clear-ModelMemory }
Describe 'Views at <_> columns' -ForEach 80, 120, 200 {
    It 'show how each load ended, and why it failed' {
        $width = $_
        foreach ($row in $rows) {
            $shown = Get-Shown $row $width
            $shown | Should -Match ($row.Outcome -eq 'Loaded' ? [regex]::Escape($row.Verdict) : "\b$($row.Outcome)\b") -Because $shown
            # A path that is longer than a line has a line break inside.
            $shown.Replace(' ', '') | Should -BeLike "*$("$($row.Message)".Replace(' ', '').Replace('[', '`['))*"
        }
        ($rows | ForEach-Object Outcome | Sort-Object -Unique) | Should -Be Failed, Killed, Loaded, Refused
        # Rows from another session look the same.
        $remote = $rows | ForEach-Object { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($_)) }
        $remote | Out-String -Width $width | Should -Be ($rows | Out-String -Width $width)
    }
    It 'show the device, that it is simulated, and what Auto chose' {
        $shown = Get-Shown $rows $_
        foreach ($node in [Environment]::MachineName, 'node-7') { $shown | Should -Match "on $node" }
        $shown | Should -Match 'to sim \(a simulated accelerator\), on \S+; device and host: forecast/peak'
        $shown | Should -Match "Auto: $($rows[2].ChosenStrategy) "
        $shown | Should -Match 'Stream #2 '
    }
    It 'show small figures by their digits' {
        $rows[0].ForecastDeviceBytes | Should -BeLessThan 10MB
        Get-Shown $rows[0] $_ | Should -Match ([regex]::Escape(('{0:0.0}/{0:0.0} KiB' -f ($rows[0].PeakDeviceBytes / 1KB))))
    }
    It 'show what fits, and why a plan does not fit' {
        $plans = Get-LoadPlan $file -Strategy Baseline, Mmap -Device cpu -HostMemoryLimit 1KB
        $plans += Get-LoadPlan $file -Strategy Auto
        $shown = Get-Shown $plans $_
        $shown | Should -Match 'Baseline .* KiB short ML7005: Baseline needs .* or -Force to load anyway\.'
        $shown | Should -Match 'Mmap .* yes'
        $shown | Should -Match "Auto: $($plans[2].ChosenStrategy) "
        $steps = Get-LoadPlan $file -Strategy Sequential -Detailed
        Get-Shown $steps $_ | Should -Match 'Device.* Allocate Device .*KiB\*'
    }
    It 'show the finding of a test and its remedy' {
        $shown = Get-Shown (Test-Weights (Join-Path $FixturesPath tiny/whole_module.pth), $file, $PSCommandPath) $_
        $shown | Should -Match 'Unsound +ML3004 .*\(byte \d+\)\. .*state_dict'
        $shown | Should -Match 'Sound +- +TorchZip'
        $shown | Should -Match 'NotACheckpoint ML1004 .*the content has no known format'
    }
    It 'show hashes, completely if the width permits' {
        $tensor = Get-WeightInfo $file -Hash | Select-Object -First 1
        $shown = $tensor | Out-String -Width $_
        $digits = $_ -ge 120 ? 64 : 20
        $shown | Should -Match "(?m)^$([regex]::Escape($tensor.Name)) .*$($tensor.Sha256.Substring(0, $digits))"
        if ($digits -lt 64) { $shown | Should -Match "$($tensor.Sha256.Substring(0, $digits))\w*…" }
    }
    It 'show every column of models' {
        $model = New-GptModel @TinyGpt -Name ('long name ' * 5)
        Get-Shown (Get-GptModel) $_ | Should -Match "Id Name State Device Strategy Parameters Size .*Built $($model.Device) .* KiB"
    }
}
Describe 'Tables of rows' {
    It 'have the outcome as the first column' {
        foreach ($row in $rows) { $row | Format-Table | Out-String -Width 80 | Should -Match "(?m)^$($row.Strategy) +$($row.Outcome)" }
        Get-LoadPlan $file -Strategy Mmap | Format-Table | Out-String -Width 80 | Should -Match '(?m)^Mmap +(True|False)'
    }
}
Describe 'Every view' {
    # A script block of a view that fails leaves its cell empty. The error is only in $Error.
    It 'show any row without an error: <View>' -ForEach $views {
        $net = $Type -as [type]
        $names = @([regex]::Matches($Xml, '\$_\.(\w+)').ForEach({ $_.Groups[1].Value })) + @(([xml]$Xml).SelectNodes('//PropertyName').InnerText) | Where-Object { $_ } | Sort-Object -Unique
        # A view that passes on the whole row names no properties.
        if (-not $names) { $names = $net.GetProperties().Name | Where-Object { $_ -ne 'EqualityContract' } }
        $texts = @($names | Where-Object { $property = $net ? $net.GetProperty($_) : $null
                $property ? ($property.PropertyType -eq [string]) : ($_ -notmatch '(Bytes|Count|Length)$') })
        $rows = foreach ($number in 0, 1, $null, 0L, 1MB, [long]::MaxValue, -1L, [long]::MinValue) {
            foreach ($text in $null, '', 'x', ('y' * 300)) {
                # All figures have the same value, and then each figure alone has it while the others are 1 or empty.
                foreach ($single in @('') + @($names | Where-Object { $_ -notin $texts -and $text -eq 'x' })) {
                    foreach ($other in $single ? (1, $null) : (, $null)) {
                        $row = [ordered]@{ PSTypeName = $Type }
                        foreach ($name in $names) { $row[$name] = $name -in $texts ? $text : (-not $single -or $name -eq $single) ? $number : $other }
                        [pscustomobject]$row
                    }
                }
            }
        }
        $Error.Clear()
        foreach ($width in 80, 200) {
            $shown = $rows | & $Format -View $View | Out-String -Width $width
            $shown.Trim() | Should -Not -BeNullOrEmpty
        }
        $Error | ForEach-Object { "$_" } | Sort-Object -Unique | Should -BeNullOrEmpty
    }
    It 'show what is written' {
        $file = Join-Path $TestDrive model.pth
        $model = New-GptModel @TinyGpt
        Export-Weights $model $file | Out-String -Width 120 | Should -Match '(?s)Format +Tensors +Size +Written.*TorchZip +\d+ +[\d.]+ KiB .*model\.pth'
        Convert-Weights $file -Format Folder | Out-String -Width 120 | Should -Match 'PerTensor +\d+ +[\d.]+ KiB .*model'
        # The objects are still files and folders.
        $item = Convert-Weights $file -Format Safetensors
        $item | Should -BeOfType System.IO.FileInfo
        ($item | Get-Item).FullName, $item.FileBytes | Should -Be $item.FullName, $item.Length
        ($item | Get-WeightInfo).Count | Should -Be $item.TensorCount
        Remove-GptModel $model
    }
}
