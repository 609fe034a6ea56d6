BeforeDiscovery { . $PSScriptRoot/common.ps1 }
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
}
AfterAll { Clear-ModelMemory }

Describe 'Parameters that accept names' {
    BeforeAll {
        # The parameters of all cmdlets whose type is an enum, a nullable enum or an array of an enum, without the common parameters of
        # PowerShell.
        $named = foreach ($command in Get-Command -Module MemLoad) {
            foreach ($parameter in $command.Parameters.Values) {
                $type = $parameter.ParameterType
                $element = $type.IsArray ? $type.GetElementType() : ([Nullable]::GetUnderlyingType($type) ?? $type)
                if ($element.IsEnum -and $parameter.Name -notin [System.Management.Automation.PSCmdlet]::CommonParameters) {
                    [pscustomobject]@{ Name = "$($command.Name) -$($parameter.Name)"; Parameter = $parameter; Enum = $element }
                }
            }
        }
        function Get-Names($Named) { @($Named.Parameter.Attributes | Where-Object { $_.GetType().Name -eq 'EnumNamesAttribute`1' }) }
    }
    It 'accept only names, in every cmdlet' {
        $named.Count | Should -BeGreaterThan 8
        foreach ($one in $named) {
            $names = Get-Names $one
            $names.Count | Should -Be 1 -Because $one.Name
            $names[0].GetType().GenericTypeArguments[0] | Should -Be $one.Parameter.ParameterType -Because $one.Name
        }
    }
    It 'accept every name in any case, and several names only for lists' {
        foreach ($one in $named) {
            $names = (Get-Names $one)[0]
            $words = $one.Enum.GetEnumNames()
            foreach ($word in $words) {
                foreach ($given in $word, $word.ToUpperInvariant(), " $word ", [psobject]$word, ($word -as $one.Enum), @(, $word)) {
                    @($names.Transform($null, $given)) | Should -Be ($word -as $one.Enum) -Because "$($one.Name) $given"
                }
            }
            foreach ($pair in "$($words[0]),$($words[1])", "$($words[0]) , $($words[1])", $words[0..1], @("$($words[0])", [psobject]$words[1])) {
                if ($one.Parameter.ParameterType.IsArray) { $names.Transform($null, $pair) | Should -Be ($words[0..1] -as "$($one.Enum.FullName)[]") -Because $one.Name }
                else {
                    $says = "*There are 2 values and only one is allowed: choose from $($words -join ', ').*"
                    { $names.Transform($null, $pair) } | Should -Throw $says -Because $one.Name
                }
            }
        }
    }
    It 'accept the beginning of exactly one name, as PowerShell does' {
        (Get-LoadPlan $file -Strategy st, 'seq,MM').Strategy | Should -Be Stream, Sequential, Mmap
        { Get-LoadPlan $file -Strategy m } | Should -Throw "*'m' is not one of the names*"
        (Get-LoadPlan $file -Strategy Meta -DType B).DType | Should -Be bfloat16
    }
    It 'refuse other text, and list the names' {
        foreach ($one in $named) {
            $names = (Get-Names $one)[0]
            $words = $one.Enum.GetEnumNames()
            $list = [WildcardPattern]::Escape($words -join ', ')
            foreach ($given in 0, 1, '0', '3', 4.0, 99, '-1', $true, 'nosuch', "$($words[0]).", "$($words[0]),", ",$($words[0])", "$($words[0]),,$($words[1])",
                "$($words[0]) $($words[1])", "$($words[0])|$($words[1])", ([enum]::ToObject($one.Enum, 99)), @($words[0], 3), @($words[0], $null), @{ a = 1 }, [DayOfWeek]::Monday) {
                { $names.Transform($null, $given) } | Should -Throw "*is not one of the names: choose from $list.*" -Because "$($one.Name) $given"
            }
        }
    }
    It 'treat an empty text or null as not given, if the parameter has such a value' {
        foreach ($one in $named) {
            $names = (Get-Names $one)[0]
            foreach ($given in '', '  ', $null, @()) {
                $type = $one.Parameter.ParameterType
                if ($type.IsArray) { $names.Transform($null, $given).Length | Should -Be 0 -Because $one.Name }
                elseif ([Nullable]::GetUnderlyingType($type)) { $names.Transform($null, $given) | Should -BeNullOrEmpty -Because $one.Name }
                else { { $names.Transform($null, $given) } | Should -Throw '*A value is missing: choose from *' -Because $one.Name }
            }
        }
    }
    It 'are completed by <Expected> after "<Line>"' -ForEach @(
        @{ Line = 'Measure-LoadMemory -Strategy S'; Expected = 'Sequential', 'Stream' }
        @{ Line = 'Measure-LoadMemory -Strategy Stream,M'; Expected = 'Meta', 'Mmap' }
        @{ Line = 'Measure-LoadMemory -Cache '; Expected = 'AsIs', 'Cold', 'Warm' }
        @{ Line = 'Convert-Weights x.pth -Format S'; Expected = , 'Safetensors' }
        @{ Line = 'New-GptModel -DType BF'; Expected = , 'BFloat16' }
    ) {
        (Get-Completion $Line).CompletionText | Sort-Object | Should -Be $Expected
    }
}
Describe 'Parameters that accept bytes' {
    It 'accept them as the command line does' {
        $bytes = foreach ($command in Get-Command -Module MemLoad) {
            $command.Parameters.Values | Where-Object Name -match 'MemoryLimit$|Size$' | Where-Object ParameterType -eq ([Nullable[long]])
        }
        $bytes.Count | Should -BeGreaterOrEqual 8
        foreach ($one in $bytes) { @($one.Attributes | Where-Object { $_.GetType().Name -eq 'BytesAttribute' }).Count | Should -Be 1 -Because $one.Name }
        foreach ($given in '8G', '8 GB', '8GiB', '8g', 8GB, '8589934592', [psobject]'8GB', 8589934592.0) {
            (Get-LoadPlan $file -Strategy Stream -DeviceMemoryLimit $given).DeviceBudgetBytes | Should -Be 8GB -Because "$given"
        }
        (Get-LoadPlan $file -Strategy Stream -DeviceMemoryLimit 1.5GiB).DeviceBudgetBytes | Should -Be 1.5GB
        foreach ($given in 'eight', '8X', '-1', 0, -1, '0') { { Get-LoadPlan $file -DeviceMemoryLimit $given } | Should -Throw '*DeviceMemoryLimit*' -Because "$given" }
        { Get-LoadPlan $file -HostMemoryLimit 8X } | Should -Throw "*'8X' is not a size: *such as 1.5GB*"
    }
}
Describe 'Several words in one text' {
    It 'are several strategies: <Name>' -ForEach @(
        @{ Name = 'one text'; Script = { Get-LoadPlan $file -Device cpu -Strategy 'Sequential,Meta' } }
        @{ Name = 'a list'; Script = { Get-LoadPlan $file -Device cpu -Strategy Sequential, Meta } }
        @{ Name = 'splatted'; Script = { $given = @{ Strategy = 'sequential , meta' }; Get-LoadPlan $file -Device cpu @given } }
        @{ Name = 'a CSV file'; Script = { "Path,Strategy,Device,DType`n$file,`"Sequential,Meta`",cpu," | ConvertFrom-Csv | Get-LoadPlan } }
        @{ Name = 'JSON'; Script = { @{ Path = $file; Strategy = 'Sequential', 'Meta'; Device = 'cpu'; DType = $null } | ConvertTo-Json | ConvertFrom-Json | Get-LoadPlan } }
        @{ Name = 'another thread'; Script = { Start-ThreadJob { Import-Module $using:ModulePath; Get-LoadPlan $using:file -Device cpu -Strategy 'Sequential,Meta' } | Receive-Job -Wait -AutoRemoveJob } }
    ) {
        $rows = & $Script
        $rows.Strategy | Should -Be Sequential, Meta
        @($rows.DType -ne $null).Count | Should -Be 0
    }
    It 'are no rank if the cell has only spaces' {
        "Path,Strategy,Rank,RankCount`n$file,Stream,`" `",2" | ConvertFrom-Csv | Get-LoadPlan | ForEach-Object Rank | Should -Be 0, 1
        "Path,Strategy,Rank,RankCount`n$file,Stream,,`" `"" | ConvertFrom-Csv | Get-LoadPlan | ForEach-Object RankCount |
            Should -BeNullOrEmpty
    }
    It 'are measured in their order, from a script file and from CSV' {
        $script = Join-Path $TestDrive measure.ps1
        $csv = Join-Path $TestDrive rows.csv
        Set-Content $script @"
param([string[]]`$Strategy, [string]`$DType)
Import-Module '$ModulePath'
Measure-LoadMemory '$file' -Device cpu -Strategy `$Strategy -DType `$DType | Export-Csv '$csv'
"@
        Invoke-ThisPowerShell -NoProfile -File $script -Strategy 'Sequential,Meta' -DType bfloat16
        $LASTEXITCODE | Should -Be 0
        $rows = Import-Csv $csv
        $rows.Strategy | Should -Be Sequential, Meta
        $rows.DType | Should -Be bfloat16, bfloat16
        # The request of a measured row can be repeated.
        $again = $rows | Measure-LoadMemory
        $again.Strategy | Should -Be Sequential, Meta
        $again.DType | Should -Be bfloat16, bfloat16
        $again.WeightsDigest | Should -Be $rows.WeightsDigest
    }
    It 'are one error for each row with an unknown name, and the other rows are processed' {
        $plans = "Path,Strategy,Device`n$file,4,cpu`n$file,Meta,cpu" | ConvertFrom-Csv | Get-LoadPlan -ErrorVariable problems -ErrorAction SilentlyContinue
        $plans.Strategy | Should -Be Meta
        @($problems | ForEach-Object { "$_" } | Sort-Object -Unique).Count | Should -Be 1
        "$($problems[0])" | Should -BeLike "*'Strategy'*'4' is not one of the names: choose from *Stream*"
    }
    It 'are several token ids' {
        $null = New-GptModel @TinyGpt -Name words
        $one = Invoke-GptModel words -TokenId 1, 2, 3
        foreach ($given in '1,2,3', ' 1, 2 ,3', @('1', '2', '3'), @('1,2', 3), [long[]](1, 2, 3), [psobject]'1,2,3') {
            (Invoke-GptModel words -TokenId $given).Logits | Should -Be $one.Logits -Because "$given"
        }
        foreach ($given in '1.5', 1.5, '1,,2', '', 'a', '99999999999', $null, '0x10') {
            { Invoke-GptModel words -TokenId $given } | Should -Throw '*TokenId*' -Because "$given"
        }
    }
    It 'are several tasks of build.ps1' -Skip:$IsWindows {
        # A dotnet that prints its arguments and does nothing.
        $bin = Join-Path $TestDrive bin
        $null = New-Item -ItemType Directory $bin
        Set-Content (Join-Path $bin dotnet) "#!/bin/sh`necho dotnet `"`$1`""
        chmod +x (Join-Path $bin dotnet)
        $path = $env:PATH
        $env:PATH = "${bin}:$path"
        try {
            $build = Join-Path $RepositoryRoot build.ps1
            Invoke-ThisPowerShell -NoProfile -File $build -Task 'Test, test' | Should -Be 'dotnet test'
            $text = Invoke-ThisPowerShell -NoProfile -File $build -Task 'Test,Nothing' 2>&1 | Out-String
            $LASTEXITCODE | Should -Be 1
            $text | Should -BeLike '*"Test,Nothing": tasks are Build, Test, Package and Publish.*'
        }
        finally { $env:PATH = $path }
    }
}
