# One name per concept and one concept per name, in every cmdlet and every output.
BeforeDiscovery { . $PSScriptRoot/common.ps1 }
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $commands = Get-Command -Module MemLoad
    # For users, int? and int are the same, and so are one value and several values.
    function Get-PlainType([type]$Type) {
        if ($Type.IsArray) { $Type = $Type.GetElementType() }
        [Nullable]::GetUnderlyingType($Type) ?? $Type
    }
}
AfterAll { Clear-ModelMemory }
Describe 'Names' {
    It 'of parameters have the same meaning in every cmdlet' {
        $common = [System.Management.Automation.Cmdlet]::CommonParameters
        foreach ($group in $commands.Parameters.Values | Where-Object Name -notin $common | Group-Object Name) {
            @($group.Group | ForEach-Object { (Get-PlainType $_.ParameterType).FullName } | Sort-Object -Unique) | Should -HaveCount 1 -Because "-$($group.Name)"
            # A -Destination is also a -Path if there is no other path. A -Model can also be removed by its -Name.
            if ($group.Name -in 'Destination', 'Model') { continue }
            @($group.Group | ForEach-Object { $_.Aliases -join ',' } | Sort-Object -Unique) | Should -HaveCount 1 -Because "aliases of -$($group.Name)"
        }
    }
    It 'of properties have one type in every output' {
        $types = $commands.OutputType.Type | Where-Object { $_.Namespace -eq 'MemLoad' } | Sort-Object FullName -Unique
        $types.Count | Should -BeGreaterThan 9
        foreach ($group in $types.GetProperties() | Where-Object Name -ne EqualityContract | Group-Object Name) {
            @($group.Group | ForEach-Object { (Get-PlainType $_.PropertyType).FullName } | Sort-Object -Unique) | Should -HaveCount 1 -Because $group.Name
        }
    }
    It 'of written files are literal in the commands that they are piped to' {
        $row = Measure-LoadMemory $file -Strategy Stream -Device cpu -InProcess
        Push-Location Env:
        try {
            foreach ($write in { Convert-Weights $file -Destination $args[0] -Format Pth -Force },
                { Convert-Weights $file -Destination $args[0] -Format Folder -Force },
                { New-GptModel @TinyGpt | Export-Weights -Destination $args[0] -Format Safetensors },
                { $row | Export-LoadMetric $args[0] -PassThru },
                { $row | Export-LoadReport $args[0] -PassThru }) {
                $extension = "$write" -like '*Metric*' ? '.prom' : "$write" -like '*Report*' ? '.html' : ''
                $other = New-Item "$TestDrive/.w1$extension" -Force
                & $write "$TestDrive/.w[1]$extension" | Remove-Item -Recurse -Force
                "$TestDrive/.w[1]$extension" | Should -Not -Exist -Because "$write"
                $other | Should -Exist -Because "$write"
            }
        } finally { Pop-Location }
    }
    It 'of limits are the same for planning, measuring and loading, by either name' {
        foreach ($name in 'Get-LoadPlan', 'Measure-LoadMemory', 'Import-Weights') {
            $parameters = (Get-Command $name).Parameters
            $parameters.HostMemoryLimit.Aliases, $parameters.DeviceMemoryLimit.Aliases | Should -Be MaxHostMemory, MaxDeviceMemory
        }
        $rows = @(Get-LoadPlan $file -Strategy Baseline -HostMemoryLimit 1KB) + @(Get-LoadPlan $file -Strategy Baseline -MaxHostMemory 1KB)
        $rows.Message -like 'ML7005:*' | Should -HaveCount 2
        { Import-Weights $file -Strategy Baseline -HeadCount 2 -MaxDeviceMemory 1KB -Device sim -ErrorAction Stop } | Should -Throw -ErrorId 'ML7006,*'
    }
    It 'of properties of Get-MemoryUsage are not those of columns that count differently' {
        $usage = Get-MemoryUsage
        $usage.PSObject.Properties.Name | Should -Not -Contain PeakHostBytes
        if ($IsLinux) { $usage.PeakResidentBytes | Should -BeGreaterOrEqual $usage.HostBytes }
    }
}
Describe 'A block of commands' {
    It 'is measured above the device memory that was held before it' {
        $held = Import-Weights $file -HeadCount 2 -Device sim -Strategy Stream
        $row = Measure-LoadMemory -ScriptBlock { $second = Import-Weights $file -HeadCount 2 -Device sim -Strategy Stream }
        $alone = Measure-LoadMemory $file -Strategy Stream -Device sim -InProcess
        $row.PeakDeviceBytes | Should -Be $alone.PeakDeviceBytes
        (Get-MemoryUsage).PeakDeviceBytes | Should -BeGreaterThan $row.PeakDeviceBytes
        (Measure-LoadMemory -ScriptBlock { }).PeakDeviceBytes | Should -Be 0
        Remove-GptModel $held, $second
    }
}
