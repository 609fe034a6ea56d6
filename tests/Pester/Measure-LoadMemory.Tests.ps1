BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
}
Describe 'Measure-LoadMemory' {
    It 'gives one row per strategy, all with the same weights' {
        $rows = Measure-LoadMemory $file
        $rows.Strategy | Should -Be $StrategyNames
        $rows.Outcome | Sort-Object -Unique | Should -Be Loaded
        @($rows.WeightsDigest | Sort-Object -Unique).Count | Should -Be 1
        $rows[0].HostName | Should -Be ([Environment]::MachineName)
        foreach ($row in $rows) { $row.PeakDeviceBytes | Should -Be $row.ForecastDeviceBytes }
    }
    It 'repeats, and accepts a cache state and a device' {
        $rows = Measure-LoadMemory $file -Strategy Stream -Repeat 2 -Cache Warm -Device cpu
        $rows.Run | Should -Be 1, 2
        $rows.Cache | Should -Be Warm, Warm
        # Windows does not report which part of a file is in its cache.
        $rows[0].CachedBytesAtStart | Should -Be ($IsWindows ? $null : $rows[0].FileBytes)
        $rows[0].PeakDeviceBytes | Should -Be 0
    }
    It 'accepts files from the pipeline, with one error for one invalid path of ten' {
        1..9 | ForEach-Object { Copy-Item $file (Join-Path $TestDrive "copy$_.pth") }
        Set-Content (Join-Path $TestDrive copy5a.pth) 'not a checkpoint'
        $rows = Get-ChildItem (Join-Path $TestDrive copy*.pth) | Measure-LoadMemory -Strategy Meta -InProcess -ErrorVariable problems -ErrorAction SilentlyContinue
        $rows.Count | Should -Be 9
        $problems.Count | Should -Be 1
        $problems[0].FullyQualifiedErrorId | Should -Be 'ML1016,MemLoad.Commands.MeasureLoadMemoryCommand'
        $problems[0].TargetObject | Should -BeLike '*copy5a.pth'
        $problems[0].CategoryInfo.Category | Should -Be InvalidData
    }
    It 'accepts a block as the first argument, and neither runs nor measures it with -WhatIf' {
        $row = Measure-LoadMemory { $made = 1 }
        $row | Should -BeOfType MemLoad.BlockMeasurement
        $made | Should -Be 1
        Measure-LoadMemory { $made = 2 } -WhatIf | Should -BeNullOrEmpty
        $made | Should -Be 1
        $samples = Join-Path $TestDrive whatif.jsonl
        Measure-LoadMemory $file -TimelinePath $samples -WhatIf | Should -BeNullOrEmpty
        $samples | Should -Not -Exist
        (Get-Item $file | Measure-LoadMemory -Strategy Mmap -InProcess).Outcome | Should -Be Loaded
    }
    It 'reports that a path does not exist' {
        { Measure-LoadMemory (Join-Path $TestDrive nothing.pth) -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,MemLoad.Commands.MeasureLoadMemoryCommand'
        { Measure-LoadMemory (Join-Path $TestDrive nothing*.pth) -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,MemLoad.Commands.MeasureLoadMemoryCommand'
        { Measure-LoadMemory Env:PATH -ErrorAction Stop } | Should -Throw -ErrorId 'ML1009,MemLoad.Commands.MeasureLoadMemoryCommand'
    }
    It 'accepts a literal path with wildcard characters in it' {
        $odd = Join-Path $TestDrive 'a[1].pth'
        [IO.File]::Copy($file, $odd)
        (Measure-LoadMemory -LiteralPath $odd -Strategy Mmap -InProcess).Path | Should -Be $odd
        (Get-Item -LiteralPath $odd | Measure-LoadMemory -Strategy Mmap -InProcess).Path | Should -Be $odd
    }
    It 'resolves relative paths against the location of the session' {
        Push-Location $TestDrive
        try { (Measure-LoadMemory ./model.pth -Strategy Mmap -InProcess).Path | Should -Be (Join-Path (Get-Item $TestDrive).FullName model.pth) }
        finally { Pop-Location }
    }
    It 'returns a row for a refusal, and then an error' {
        $row = Measure-LoadMemory $file -Strategy Baseline -DeviceMemoryLimit 1KB -ErrorVariable problem -ErrorAction SilentlyContinue
        $row.Outcome, $row.Verdict, $row.AsForecast | Should -Be Refused, refused, $null
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -Be 'ML7006,MemLoad.Commands.MeasureLoadMemoryCommand'
        $problem[0].TargetObject | Should -Be $row.Path
        "ML7006: $($problem[0].Exception.Message)" | Should -Be $row.Message
        # The row is written first, so that -ErrorAction Stop does not lose it.
        $kept = [System.Collections.Generic.List[object]]::new()
        { Measure-LoadMemory $file -Strategy Baseline -DeviceMemoryLimit 1KB -ErrorAction Stop | ForEach-Object { $kept.Add($_) } } |
            Should -Throw -ErrorId 'ML7006,MemLoad.Commands.MeasureLoadMemoryCommand'
        $kept.Outcome | Should -Be Refused
        # Jobs report it in the same way.
        $row = Start-Job { Import-Module $using:ModulePath; Measure-LoadMemory $using:file -Strategy Baseline -DeviceMemoryLimit 1KB } |
            Receive-Job -Wait -AutoRemoveJob -ErrorVariable problem -ErrorAction SilentlyContinue
        $row.Outcome | Should -Be Refused
        $row.Message | Should -BeLike 'ML7006:*'
        $row.PeakHostBytes | Should -BeNullOrEmpty
    }
    It 'gives the exit code to a script, and continues with the next load' {
        $null = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command "Import-Module '$ModulePath'; Measure-LoadMemory '$file' -Strategy Stream" 2>&1
        $LASTEXITCODE | Should -Be 0
        $said = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command (
            "Import-Module '$ModulePath'; Measure-LoadMemory '$file' -Strategy Baseline, Mmap -Device cpu -HostMemoryLimit 1KB") 2>&1
        $LASTEXITCODE | Should -Be 1
        "$said" | Should -Match 'Baseline .*Refused.*ML7005.*Mmap .*forecast'
    }
    It 'states in a row whether it is as forecast' {
        $fat = [scriptblock]::Create('param($v) $row = [MemLoad.LoadMeasurement]@{ Strategy="Stream"; Device="cpu"; Outcome="Loaded"; Run=1; HostName="h"; StartedAt="2026-01-02T03:04:05.678+00:00"; ModuleVersion="1"; ForecastHostBytes=0; PeakHostBytes=$v }; $row')
        (& $fat 1MB).Verdict, (& $fat 1MB).AsForecast | Should -Be 'as forecast', $true
        (& $fat 9MB).Verdict, (& $fat 9MB).AsForecast | Should -Be 'host +9.0 MiB', $false
    }
    It 'measures the strategy that Auto chooses, and has the strategy and the reason in the row' {
        $row = Measure-LoadMemory $file -Strategy Auto -Device cpu
        $row.Strategy, $row.Outcome | Should -Be Auto, Loaded
        $row.ChosenStrategy | Should -BeIn $StrategyNames
        $row.Note | Should -BeLike '*the fastest plan that fits*'
    }
    It 'measures a load that does not fit only if forced' {
        (Measure-LoadMemory $file -Strategy Baseline -HostMemoryLimit 1KB -ErrorAction SilentlyContinue).Outcome | Should -Be Refused
        $row = Measure-LoadMemory $file -Strategy Baseline -HostMemoryLimit 1KB -Force
        $row.Outcome | Should -Be Loaded
        $row.Note | Should -BeLike 'forced: * short'
    }
    It 'has rows with a time that is compared as a time, and is ISO 8601 with milliseconds in CSV, JSON and views of every culture' {
        $row = [MemLoad.LoadMeasurement]@{ Strategy = 'Stream'; Device = 'cpu'; Outcome = 'Loaded'; Run = 1; HostName = 'h'; StartedAt = '2026-01-05T03:04:05.670+01:00'; ModuleVersion = '1' }
        $block = Measure-LoadMemory { }
        $before = [cultureinfo]::CurrentCulture
        foreach ($culture in 'de-DE', 'en-US', 'ja-JP', $before) {
            [cultureinfo]::CurrentCulture = $culture
            try {
                $row.StartedAt, $block.StartedAt | Should -BeOfType DateTimeOffset
                $row.StartedAt -lt (Get-Date) | Should -BeTrue
                $block.StartedAt -gt (Get-Date).AddMinutes(-9) | Should -BeTrue
                ($row, $block | Sort-Object StartedAt)[0] | Should -Be $row
                $csv = $row | ConvertTo-Csv | ConvertFrom-Csv
                $csv.StartedAt | Should -BeExactly '2026-01-05T03:04:05.670+01:00'
                ($block | ConvertTo-Csv | ConvertFrom-Csv).StartedAt | Should -BeExactly "$([MemLoad.RowText]::TimeText($block.StartedAt))"
                $row | Format-List | Out-String | Should -Match 'StartedAt *: 2026-01-05T03:04:05\.670\+01:00'
                $remote = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($row))
                $json = $row | ConvertTo-Json | ConvertFrom-Json
                foreach ($other in $csv, $remote, $json, ($row | Select-Object *)) { [DateTimeOffset]$other.StartedAt | Should -Be ([DateTimeOffset]'2026-01-05T03:04:05.670+01:00') }
            }
            finally { [cultureinfo]::CurrentCulture = $before }
        }
    }
    It 'has sets of columns with names, and remote rows with times' {
        $row = Measure-LoadMemory $file -Strategy Stream
        $remote = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($row))
        foreach ($one in $row, $remote) {
            ([DateTimeOffset]::Now - [DateTimeOffset]$one.StartedAt).TotalMinutes | Should -BeLessThan 10
            ($one | Select-Object Memory).psobject.Properties.Name | Should -Contain PeakHostFileBytes
            ($one | Select-Object Speed).psobject.Properties.Name | Should -Contain BytesPerSecond
        }
    }
    It 'refuses an unknown device and an unknown size' {
        { Measure-LoadMemory $file -Device gpu -ErrorAction Stop } | Should -Throw -ErrorId 'ML7003,*'
        { Measure-LoadMemory $file -Device cuda:0 -ErrorAction Stop } | Should -Throw -ErrorId 'ML7004,*'
        { Measure-LoadMemory -Size gpt9 -ErrorAction Stop } | Should -Throw -ErrorId 'ML6008,*'
    }
    It 'accepts plans from the pipeline' {
        $rows = Get-LoadPlan $file | Where-Object Strategy -in Mmap, Stream | Measure-LoadMemory -InProcess
        $rows.Strategy | Should -Be Mmap, Stream
    }
    It 'casts to the same weights with every strategy, also for plans from the pipeline' {
        foreach ($device in 'cpu', 'sim') {
            $rows = Get-LoadPlan $file -Device $device -DType float16 | Measure-LoadMemory -InProcess
            $rows.Outcome | Sort-Object -Unique | Should -Be Loaded
            $rows.DType | Sort-Object -Unique | Should -Be float16
            @($rows.WeightsDigest | Sort-Object -Unique).Count | Should -Be 1
            $rows[0].WeightsDigest | Should -Not -Be (Measure-LoadMemory $file -Device $device -Strategy Stream -InProcess).WeightsDigest
        }
    }
    It 'keeps the samples of the rows that the next command received' {
        $samples = Join-Path $TestDrive first.jsonl
        $first = Measure-LoadMemory $file -Strategy Stream, Mmap -InProcess -TimelinePath $samples | Select-Object -First 1
        $first.Strategy | Should -Be Stream
        (Get-Content $samples | ConvertFrom-Json).Strategy | Should -Be Stream
    }
    It 'reads the files of a key' {
        $container = Join-Path $FixturesPath containers/model_and_optimizer.pth
        (Measure-LoadMemory $container -Key model_state_dict -Strategy Stream -InProcess).TensorCount | Should -BeGreaterThan 0
        { Measure-LoadMemory $container -Key nothing -ErrorAction Stop } | Should -Throw -ErrorId 'ML6005,*'
    }
}
Describe 'Measure-LoadMemory -ScriptBlock' {
    It 'measures a block in the caller''s scope' {
        $row = Measure-LoadMemory -ScriptBlock { $block = [byte[]]::new(64MB); [array]::Fill($block, [byte]1) }
        $block.Length | Should -Be 64MB
        $row.PeakHostBytes | Should -BeGreaterThan 60MB
        $row.ElapsedMicroseconds | Should -BeGreaterThan 0
    }
    It 'counts the memory that models use on a device' {
        $row = Measure-LoadMemory -ScriptBlock { $model = Import-Weights $file -HeadCount 2 -Strategy Meta }
        $row.PeakDeviceBytes | Should -Be (Get-LoadPlan $file -Strategy Meta).ForecastDeviceBytes
        Remove-GptModel $model
    }
    It 'passes on the error of the block' {
        { Measure-LoadMemory -ScriptBlock { throw 'mine' } } | Should -Throw mine
    }
}
Describe 'Measure-LoadMemory -FilePath' -Skip:(-not $IsLinux) {
    It 'measures a program with the columns of a load' {
        $file = Join-Path $TestDrive program.pth
        New-TinyCheckpoint $file
        Push-Location $TestDrive
        try {
            # The process exists long enough for a sample.
            $row, $second = Measure-LoadMemory -FilePath sh -ArgumentList '-c', 'cat ./program.pth; sleep 0.5' -Name reader -Path program.pth -Cache Warm -Repeat 2
        }
        finally {
            Pop-Location
        }
        "$($row.Strategy) $($row.Outcome) $($row.Verdict) $($row.Device) $($second.Run)" | Should -Be 'reader Loaded measured cpu 2'
        $row.FileBytes | Should -Be (Get-Item $file).Length
        $row.PeakHostBytes | Should -BeGreaterThan 0
        # The columns are the same, so that both kinds of rows can be in one file.
        $load = Measure-LoadMemory $file -Strategy Stream -Device cpu -InProcess
        $row, $load | Export-Csv (Join-Path $TestDrive rows.csv)
        (Import-Csv (Join-Path $TestDrive rows.csv)).Verdict | Should -Be 'measured', $load.Verdict
        Import-Csv (Join-Path $TestDrive rows.csv) | Export-LoadReport (Join-Path $TestDrive rows.html)
        Get-Content -Raw (Join-Path $TestDrive rows.html) | Should -Match 'reader'
    }
    It 'shows the output of the program on request, and returns a row and an error for a failure' {
        $said = Measure-LoadMemory -FilePath sh -ArgumentList '-c', 'echo out; echo err >&2; exit 3' -Name mine -Verbose -ErrorVariable problem -ErrorAction SilentlyContinue 4>&1
        $row = $said | Where-Object { $_ -isnot [System.Management.Automation.VerboseRecord] }
        "$($row.Strategy) $($row.Outcome) $($row.Message)" | Should -Match '^mine Failed ML8016: the program ended with code 3: err'
        @($said | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }).Message | Should -Contain 'out'
        @($problem).Count | Should -Be 1
        $problem[0].TargetObject | Should -Be mine
        { Measure-LoadMemory -FilePath no-such-program -ErrorAction Stop } | Should -Throw -ErrorId 'ML8016,*'
        { Measure-LoadMemory -FilePath true -Device cpu, sim -ErrorAction Stop } | Should -Throw -ErrorId 'ML7003,*'
        Measure-LoadMemory -FilePath touch -ArgumentList (Join-Path $TestDrive touched) -WhatIf
        Join-Path $TestDrive touched | Should -Not -Exist
    }
    It 'refuses several checkpoints instead of naming the first of them' {
        foreach ($name in 'program1.pth', 'program2.pth') { New-TinyCheckpoint (Join-Path $TestDrive $name) }
        $pattern = Join-Path $TestDrive program?.pth
        { Measure-LoadMemory -FilePath true -Path $pattern -ErrorAction Stop } |
            Should -Throw -ErrorId 'ML8020,*' -ExpectedMessage '*2 paths*'
        { Measure-LoadMemory -FilePath true -Path (Get-Item $pattern) -ErrorAction Stop } | Should -Throw -ErrorId 'ML8020,*'
        Remove-Item (Join-Path $TestDrive program2.pth)
        (Measure-LoadMemory -FilePath true -Path $pattern).Path | Should -Be (Join-Path $TestDrive program1.pth)
    }
    It 'leaves out arguments that are null, as PowerShell does when it runs a program' {
        (Measure-LoadMemory -FilePath sh -ArgumentList '-c', 'test $# = 1', x, $null, y).Outcome | Should -Be Loaded
        (Measure-LoadMemory -FilePath true -ArgumentList $null).Outcome | Should -Be Loaded
    }
    It 'runs a program on a drive of PowerShell' {
        Set-Content TestDrive:/run.sh "#!/bin/sh`nexit 0"
        chmod +x (Join-Path $TestDrive run.sh)
        $row = Measure-LoadMemory -FilePath TestDrive:/run.sh
        "$($row.Strategy) $($row.Outcome)" | Should -Be 'run.sh Loaded'
    }
    It 'has no heading of a checkpoint if none is named' {
        Measure-LoadMemory -FilePath true | Format-Table | Out-String | Should -Match 'Checkpoint: *\r?\n'
    }
    It 'keeps the samples of a program whose failure ends the script' {
        $samples = Join-Path $TestDrive failed.jsonl
        { Measure-LoadMemory -FilePath sh -ArgumentList '-c', 'sleep 0.1; exit 3' -Name ends -TimelinePath $samples -ErrorAction Stop } |
            Should -Throw -ErrorId 'ML8016,*'
        (Get-Content $samples | ConvertFrom-Json).Strategy | Should -Be ends
    }
}
Describe 'Measure-LoadMemory for several devices' {
    It 'measures every strategy on each, from a list or from one text' {
        $file = Join-Path $TestDrive several.pth
        New-TinyCheckpoint $file
        $rows = Measure-LoadMemory $file -Device sim, cpu -Strategy Mmap, Stream
        "$($rows.Device) $($rows.Strategy)" | Should -Be 'sim sim cpu cpu Mmap Stream Mmap Stream'
        $plans = [pscustomobject]@{ Path = $file; Device = 'sim,cpu'; Strategy = 'Stream' } | Get-LoadPlan
        $plans.Device | Should -Be sim, cpu
    }
    It 'loads all ranks at the same time, and one rank if its number is given' {
        $file = Join-Path $TestDrive ranks.pth
        New-TinyCheckpoint $file
        $rows = Measure-LoadMemory $file -Device sim -Strategy Stream -RankCount 2
        "$($rows | ForEach-Object Rank) $($rows.Outcome)" | Should -Be '0 1 Loaded Loaded'
        $rows.RanksPeakHostBytes | Select-Object -Unique | Should -Be ($rows | Measure-Object PeakHostBytes -Sum).Sum
        $rows | Out-String | Should -Match 'Stream rank 1'
        $plans = Get-LoadPlan $file -Device sim -Strategy Stream -RankCount 2
        $plans | ForEach-Object Rank | Should -Be 0, 1
        $plans.RanksForecastHostBytes | Select-Object -Unique | Should -Be $rows[0].RanksForecastHostBytes
        # A row is one rank in every command that takes it.
        $again = $rows[1] | ConvertTo-Csv | ConvertFrom-Csv | Measure-LoadMemory
        "$($again.Rank) $($again.WeightsDigest) $($again.RanksPeakHostBytes)" | Should -Be "1 $($rows[1].WeightsDigest) "
        { Measure-LoadMemory $file -Device sim -RankCount 2 -InProcess -ErrorAction Stop } | Should -Throw -ErrorId 'ML7009,*'
        { Get-LoadPlan $file -Device cuda:0 -RankCount 2 -ErrorAction Stop } | Should -Throw -ErrorId 'ML7009,*'
        # Numbers that would need more memory than the computer has before the first load.
        { Measure-LoadMemory $file -RankCount 1000000000 -ErrorAction Stop } | Should -Throw -ErrorId 'ML7009,*'
        { Measure-LoadMemory $file -Repeat 2000000000 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
    }
}
Describe 'Measure-LoadMemory for monitoring' {
    It 'gives a row its status, with a warning above one bound and an error above the other' {
        $row = Measure-LoadMemory $file -Strategy Stream -InProcess -ModelName prod -WarnAbove @{ Time = [TimeSpan]::FromHours(1) } -FailAbove 'host=1TB,time=1h'
        $row.Status | Should -Be Pass
        $row.StatusReason | Should -BeNullOrEmpty
        $row.Model | Should -Be prod
        $row.FileSystem | Should -Not -BeNullOrEmpty
        $row = Measure-LoadMemory $file -Strategy Stream -InProcess -WarnAbove @{ Time = 0.000001 } -WarningVariable said -WarningAction SilentlyContinue
        $row.Status | Should -Be Warn
        "$said" | Should -Match 'above a bound: time .+ is above 1 µs'
        $row = Measure-LoadMemory $file -Strategy Stream -InProcess -FailAbove time=0.000001 -ErrorVariable problem -ErrorAction SilentlyContinue
        ($row.Outcome, $row.Status) -join ' ' | Should -Be 'Loaded Fail'
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'ML8018,*'
    }
    It 'refuses <Bad> with a message that quotes it' -TestCases @(
        @{ Bad = 'soon' }, @{ Bad = 'time=soon' }, @{ Bad = @{ Hosts = 1 } }, @{ Bad = @{ Host = $null } }
    ) {
        param($Bad)
        { Measure-LoadMemory $file -FailAbove $Bad -WhatIf } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,*' -ExpectedMessage '*is not a bound: write time=SECONDS*'
    }
    It 'has rows that satisfy the published schema, before and after CSV' {
        $schema = Join-Path $PSScriptRoot ../../docs/row.schema.json
        $rows = @(Measure-LoadMemory $file -Strategy Stream, Mmap -Device cpu, sim -InProcess) +
            @(Measure-LoadMemory $file -Strategy Baseline -Device cpu -HostMemoryLimit 1 -InProcess -ErrorAction SilentlyContinue)
        $rows.Count | Should -Be 5
        foreach ($row in $rows) { $row | ConvertTo-Json | Test-Json -SchemaFile $schema | Should -BeTrue }
        $rows | ConvertTo-Csv | ConvertFrom-Csv | Export-LoadReport (Join-Path $TestDrive kept.html)
    }
}
