BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $rows = Measure-LoadMemory $file -Strategy Sequential, Meta
}
Describe 'Rows under every culture' {
    It 'are flat: strings, whole numbers, Booleans and a time' {
        foreach ($property in $rows[0].psobject.Properties | Where-Object Value -ne $null) {
            $property.Value.GetType().Name | Should -BeIn String, Int64, Int32, Boolean, DateTimeOffset -Because $property.Name
        }
    }
    It 'are written and read in the same way under <_>' -ForEach 'de-DE', 'ar-SA', 'tr-TR' {
        $before = [cultureinfo]::CurrentCulture
        try {
            $plain = $rows | ConvertTo-Csv
            [cultureinfo]::CurrentCulture = $_
            $rows | ConvertTo-Csv | Should -Be $plain
            [long]($plain | ConvertFrom-Csv)[0].PeakHostBytes | Should -Be $rows[0].PeakHostBytes
            $rows | Out-String | Should -Not -Match '\d,\d\d'
        }
        finally { [cultureinfo]::CurrentCulture = $before }
    }
    It 'are read with the minus sign of every culture' {
        $row = [MemLoad.LoadMeasurement]@{
            Strategy = 'Stream'; Device = 'cpu'; Outcome = 'Loaded'; Run = 1; HostName = 'h'
            StartedAt = '2026-01-05T03:04:05.670+01:00'; ModuleVersion = '1'; HostErrorPermille = -840
        }
        $csv = Join-Path $TestDrive minus.csv
        $before = [cultureinfo]::CurrentCulture
        foreach ($signs in [cultureinfo]::GetCultures('AllCultures') | Group-Object { $_.NumberFormat.NegativeSign }) {
            [cultureinfo]::CurrentCulture = $signs.Group[0]
            try {
                $row | Export-Csv $csv
                Import-Csv $csv | Export-LoadReport (Join-Path $TestDrive minus.html) -BaselinePath $csv -ErrorVariable problems
                $problems | Should -BeNullOrEmpty -Because $signs.Group[0].Name
            }
            finally { [cultureinfo]::CurrentCulture = $before }
        }
    }
    It 'have the same columns for every strategy' {
        $columns = $rows | ForEach-Object { $_.psobject.Properties.Name -join ',' }
        @($columns | Sort-Object -Unique).Count | Should -Be 1
    }
}
Describe 'Views' {
    It 'show the forecast next to the measured value' {
        $rows | Out-String -Width 80 | Should -Match '(?m)^Meta +[\d.]+/[\d.]+ [KM]iB +[\d.]+/[\d.]+ '
        $rows | Format-Table | Out-String -Width 160 | Should -Match 'Dev forecast +Host forecast'
    }
    It 'show every column in the list' {
        $list = $rows[0] | Format-List | Out-String -Width 300
        foreach ($name in [MemLoad.LoadMeasurement].GetProperties().Name | Where-Object { $_ -ne 'EqualityContract' }) { $list | Should -Match "(?m)^$name +:" }
    }
}
