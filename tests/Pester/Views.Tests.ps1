BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $views = ([xml](Get-Content -Raw (Join-Path $RepositoryRoot module/MemLoad.Format.ps1xml))).Configuration.ViewDefinitions.View | ForEach-Object {
        @{ View = $_.Name; Type = @($_.ViewSelectedBy.TypeName)[0]; IsTable = $null -ne $_.TableControl; Xml = $_.OuterXml }
    }
}
BeforeAll { . $PSScriptRoot/common.ps1 }
Describe 'Views' {
    # A block of a view that fails leaves its cell empty and says so in $Error alone.
    It 'show any row without an error: <View>' -ForEach $views {
        $net = $Type -as [type]
        $names = @([regex]::Matches($Xml, '\$_\.(\w+)').ForEach({ $_.Groups[1].Value })) + @(([xml]$Xml).SelectNodes('//PropertyName').InnerText) | Sort-Object -Unique
        $texts = @($names | Where-Object { $property = $net ? $net.GetProperty($_) : $null
                $property ? ($property.PropertyType -eq [string]) : ($_ -notmatch '(Bytes|Count|Length)$') })
        $rows = foreach ($number in 0, 1, $null, 0L, 1MB, [long]::MaxValue, -1L, [long]::MinValue) {
            foreach ($text in $null, '', 'x', ('y' * 300)) {
                # All figures alike, and each of them alone, the others one or nothing.
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
            $shown = $IsTable ? ($rows | Format-Table -View $View | Out-String -Width $width) : ($rows | Format-List -View $View | Out-String -Width $width)
            $shown.Trim() | Should -Not -BeNullOrEmpty
        }
        $Error | ForEach-Object { "$_" } | Sort-Object -Unique | Should -BeNullOrEmpty
    }
    It 'show what is written' {
        $file = Join-Path $TestDrive model.pth
        $model = New-GptModel @TinyGpt
        Export-Weights $model $file | Out-String -Width 80 | Should -Match '(?s)Format +Tensors +MiB +Written.*TorchZip +\d+ +0\.\d .*model\.pth'
        Convert-Weights $file -Format Folder | Out-String -Width 80 | Should -Match 'PerTensor +\d+ +0\.\d .*model'
        # They are files and folders all the same.
        $item = Convert-Weights $file -Format Safetensors
        $item | Should -BeOfType System.IO.FileInfo
        ($item | Get-Item).FullName, $item.FileBytes | Should -Be $item.FullName, $item.Length
        ($item | Get-WeightInfo).Count | Should -Be $item.TensorCount
        Remove-GptModel $model
    }
}
