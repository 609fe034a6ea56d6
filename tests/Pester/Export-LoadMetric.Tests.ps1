# Metrics that the textfile collector of an exporter reads.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $rows = Measure-LoadMemory $file -Strategy Stream, Mmap -InProcess -Device cpu
    $target = Join-Path $TestDrive x.prom
    # Grafana replaces the variables of the dashboard by values.
    function Get-DashboardExpression {
        $dashboard = Get-Content -Raw (Join-Path $PSScriptRoot ../../examples/monitoring/memload-dashboard.json) | ConvertFrom-Json
        $dashboard.panels.targets.expr -replace '\$(model|strategy|instance)', '.*'
    }
}
Describe 'Export-LoadMetric' {
    It 'writes rows, and the same rows from CSV, as the same metrics' {
        ($rows | Export-LoadMetric $target -ModelName tiny -PassThru).FullName | Should -Be $target
        $direct = Get-Content -Raw $target
        $direct | Should -Match '(?m)^memload_load_success\{model="tiny",strategy="Stream",device="cpu"\} 1$'
        $rows | ConvertTo-Csv | ConvertFrom-Csv | Export-LoadMetric $target -ModelName tiny
        Get-Content -Raw $target | Should -BeExactly $direct
    }
    It 'checks its target before the measurement, and writes nothing with -WhatIf' {
        $ran = @{}
        { 1 | ForEach-Object { $ran.It = $true; $rows[0] } | Export-LoadMetric (Join-Path $TestDrive x.txt) } | Should -Throw -ErrorId 'ML1008,*'
        $ran.Count | Should -Be 0
        $rows | Export-LoadMetric (Join-Path $TestDrive none.prom) -WhatIf
        Join-Path $TestDrive none.prom | Should -Not -Exist
    }
    It 'has a dashboard of metrics that a file has, with a line for each metric that changes' {
        $rows | Export-LoadMetric $target
        $metrics = [regex]::Matches((Get-Content -Raw $target), '(?m)^# TYPE (\S+)') | ForEach-Object { $_.Groups[1].Value }
        $shown = Get-DashboardExpression | ForEach-Object { [regex]::Matches($_, 'memload_\w+').Value } | Sort-Object -Unique
        $shown | Should -BeIn $metrics
        $metrics | Where-Object { $_ -notin $shown } | Should -Be memload_load_success, memload_model_bytes
    }
    if (Get-Command promtool -ErrorAction Ignore) {
        It 'is accepted by promtool' {
            $rows | Export-LoadMetric $target
            Get-Content -Raw $target | promtool check metrics
            $LASTEXITCODE | Should -Be 0
        }
        It 'has alert rules that promtool accepts and whose tests pass' {
            Push-Location (Join-Path $PSScriptRoot ../../examples/monitoring)
            try {
                promtool check rules memload-alerts.yml
                $LASTEXITCODE | Should -Be 0
                promtool test rules memload-alerts.test.yml
                $LASTEXITCODE | Should -Be 0
                # promtool does not support dashboards, but it parses the expressions of a dashboard as rules.
                $rules = Get-DashboardExpression | ForEach-Object { @{ record = "dashboard:$((++$script:number))"; expr = $_ } }
                @{ groups = @(@{ name = 'dashboard'; rules = @($rules) }) } | ConvertTo-Json -Depth 5 | Set-Content (Join-Path $TestDrive dashboard.yml)
                promtool check rules (Join-Path $TestDrive dashboard.yml)
                $LASTEXITCODE | Should -Be 0
            } finally { Pop-Location }
        }
    }
    else {
        It 'is tested with promtool if it is installed (2 tests: install prometheus)' -Skip { }
    }
    if (Get-Command prometheus-node-exporter, node_exporter -ErrorAction Ignore) {
        It 'is served by an exporter' {
            $exporter = Get-Command prometheus-node-exporter, node_exporter -ErrorAction Ignore | Select-Object -First 1
            $rows | Export-LoadMetric $target -ModelName served
            $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
            $listener.Start(); $port = $listener.LocalEndpoint.Port; $listener.Stop()
            $process = Start-Process $exporter -PassThru -RedirectStandardError (Join-Path $TestDrive exporter.log) -ArgumentList @(
                '--collector.disable-defaults', '--collector.textfile', "--collector.textfile.directory=$TestDrive", "--web.listen-address=127.0.0.1:$port")
            try {
                # A refused connection means that it does not listen yet.
                $served = foreach ($try in 1..150) {
                    try { Invoke-RestMethod "http://127.0.0.1:$port/metrics"; break } catch { Start-Sleep -Milliseconds 200 }
                }
            } finally { $process | Stop-Process }
            $served | Should -Match '(?m)^memload_load_status\{device="cpu",model="served",strategy="Stream"\} 0$'
            $served | Should -Match '(?m)^node_textfile_scrape_error 0$'
        }
    }
    else {
        It 'is tested with an exporter if it is installed (1 test: install prometheus-node-exporter)' -Skip { }
    }
}
