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
    It 'are written and read alike under <_>' -ForEach 'de-DE', 'ar-SA', 'tr-TR' {
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
    It 'have the same columns for every strategy' {
        $columns = $rows | ForEach-Object { $_.psobject.Properties.Name -join ',' }
        @($columns | Sort-Object -Unique).Count | Should -Be 1
    }
}
Describe 'Views' {
    It 'show forecast beside measured' {
        $rows | Out-String -Width 80 | Should -Match '(?m)^Meta +[\d.]+/[\d.]+ [KM]iB +[\d.]+/[\d.]+ '
        $rows | Format-Table | Out-String -Width 160 | Should -Match 'Dev forecast +Host forecast'
    }
    It 'show every column in the list' {
        $list = $rows[0] | Format-List | Out-String -Width 300
        foreach ($name in [MemLoad.LoadMeasurement].GetProperties().Name | Where-Object { $_ -ne 'EqualityContract' }) { $list | Should -Match "(?m)^$name +:" }
    }
}
