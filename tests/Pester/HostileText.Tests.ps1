# One hostile text in all content and all names of files. tests/MemLoad.Tests/Doors tests the outputs of the command.
BeforeDiscovery {
    $refused = @(
        @{ Name = 'a word that is none'; File = 'x.safetensors'; Header = '{{"a":t{0}}}' }
        @{ Name = 'a name of a tensor'; File = 'x.safetensors'; Header = '{{{1}:{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}}}' }
        @{ Name = 'a dtype'; File = 'x.safetensors'; Header = '{{"a":{{"dtype":{1},"shape":[0],"data_offsets":[0,0]}}}}' }
        @{ Name = 'a key of metadata'; File = 'x.safetensors'; Header = '{{"__metadata__":{{{1}:1}}}}' }
        @{ Name = 'a shard'; File = 'x.index.json'; Header = '{{"weight_map":{{{1}:{1}}}}}' }
        @{ Name = 'a word that is none, in an index'; File = 'x.index.json'; Header = '{{"metadata":t{0}}}' }
    )
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    # $TestDrive is not used, because Pester interprets the brackets in these names as wildcards when it deletes the files.
    $folder = [IO.Directory]::CreateTempSubdirectory('memload-pester-').FullName
    $invisible = "=`u{61c}`u{ad}`u{2060}`u{202e}`u{2066}`u{feff}`u{3164}`u{fe0f}`u{e0041}`u{e000}"
    $hostile = "$invisible`e]0;PWNED`a`e[2J`u{9b}2J`u{85}`u{2028}`r`nML0000: fake line`n`u{7f}"
    # File names have no slash and no NUL, and on Windows no control character.
    $hostileName = $IsWindows ? "=`u{202e}`u{61c}" : "=`u{202e}`u{61c}`e]0;P`a`e[2J`nML0000: fake"

    function New-Safetensors([string]$Path, [string]$Header, [int]$DataBytes) {
        $bytes = [Text.Encoding]::UTF8.GetBytes($Header)
        if ($Path -notlike '*.json') { $bytes = [BitConverter]::GetBytes([long]$bytes.Length) + $bytes + [byte[]]::new($DataBytes) }
        [IO.File]::WriteAllBytes($Path, $bytes)
    }

    # The characters that the shell itself writes: line breaks and colours (SGR). The hostile text has none of these alone.
    function Find-Hidden([string]$Text) {
        $own = $Text -replace "`e\[[0-9;]*m" -replace '\r?\n'
        $hidden = [regex]::Matches($own, '[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]')
        @($hidden | ForEach-Object { 'U+{0:X4}' -f [int]$_.Value[0] } | Select-Object -Unique) + @($Text -split '\r?\n' | Where-Object { $_ -match '^\s*ML0000' })
    }

    # Returns all text of an error that a shell can print.
    function Show-Error([System.Management.Automation.ErrorRecord]$Record) {
        $Record | Out-String -Width 500
        foreach ($ErrorView in 'NormalView', 'ConciseView', 'CategoryView') { $Record | Out-String -Width 500 }
        $Record | Format-List * -Force | Out-String -Width 500
        $Record | Get-Error | Out-String -Width 500
        $Record.ToString(), $Record.CategoryInfo.ToString(), $Record.Exception.ToString(), "$($Record.TargetObject)", $Record.ErrorDetails
    }

    $json = ConvertTo-Json $hostile -EscapeHandling EscapeNonAscii
    $file = Join-Path $folder "$hostileName.safetensors"
    New-Safetensors $file ('{{"__metadata__":{{{0}:{0}}},{1}:{{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}}}' -f $json, (ConvertTo-Json $invisible -EscapeHandling EscapeNonAscii)) 4
}
AfterAll {
    Clear-ModelMemory
    [IO.Directory]::Delete($folder, $true)
}
Describe 'Hostile text in files and names' {
    It 'is escaped in every view of <_>' -ForEach @(
        'Get-WeightInfo -LiteralPath $file -Hash'
        'Test-Weights -LiteralPath $file -Deep'
        'New-WeightManifest -LiteralPath $file -Force'
        'Get-LoadPlan -LiteralPath $file -Strategy Stream -Device sim'
        'Get-LoadPlan -LiteralPath $file -Strategy Stream -Device sim -Detailed'
        'Measure-LoadMemory -LiteralPath $file -Strategy Stream -Device cpu -InProcess'
        'Import-Weights -LiteralPath $file -Device cpu -Strategy Stream'
        'Get-GptModel'
        'Test-Weights -LiteralPath (Join-Path $folder broken.safetensors)'
    ) {
        New-Safetensors (Join-Path $folder broken.safetensors) ('{{"a":t{0}}}' -f $hostile) 0
        $objects = & ([scriptblock]::Create("$_ -Verbose -Debug -WarningAction Continue *>&1"))
        $objects | Should -Not -BeNullOrEmpty
        $records = $objects.Where({ $_ -is [System.Management.Automation.InformationalRecord] }, 'Split')
        Find-Hidden ($records[0].Message -join "`n") | Should -BeNullOrEmpty
        foreach ($view in { $input | Out-String -Width 500 }, { $input | Format-Table | Out-String -Width 500 }, { $input | Format-List | Out-String -Width 500 }) {
            Find-Hidden ($records[1] | & $view) | Should -BeNullOrEmpty
        }
    }
    It 'is not changed in the objects' {
        (Get-WeightInfo -LiteralPath $file).Name | Should -BeExactly $invisible
        (Get-WeightInfo -LiteralPath $file).Path | Should -BeExactly $file
    }
    It 'is escaped in error records: <Name>' -ForEach $refused {
        $path = Join-Path $folder "$hostileName$File"
        New-Safetensors $path ($Header -f $hostile, $json) 0
        foreach ($command in { Get-WeightInfo -LiteralPath $path }, { Get-LoadPlan -LiteralPath $path }, { Import-Weights -LiteralPath $path }, { Measure-LoadMemory -LiteralPath $path -InProcess }, { Test-Weights -LiteralPath $file -Manifest $path }) {
            $problem = try { & $command } catch { $_ }
            $problem.FullyQualifiedErrorId | Should -Match '^ML\d{4},'
            Find-Hidden ((Show-Error $problem) -join "`n") | Should -BeNullOrEmpty
        }
    }
    It 'is escaped in all streams of a session' {
        $script = Join-Path $folder session.ps1
        Set-Content $script @'
# Each line as at a prompt: where one pipeline has objects of several types, PowerShell shows the later ones without their views.
param($Module, $File, $Broken, $Out)
$PSStyle.OutputRendering = 'Ansi'
$VerbosePreference = $DebugPreference = 'Continue'
Import-Module $Module
Get-WeightInfo -LiteralPath $File -Hash | Out-Host
Get-WeightInfo -LiteralPath $File | Select-Object DType, Bytes | Out-Null
New-WeightManifest -LiteralPath $File -Force -WhatIf
Convert-Weights -LiteralPath $File $Out -WhatIf
Convert-Weights -LiteralPath $File $Out -Force | Out-Null
Test-Weights -LiteralPath $File -Deep | Out-Host
Import-Weights -LiteralPath $File -Device cpu -Strategy Stream | Out-Host
Remove-GptModel * -WhatIf
Get-WeightInfo -LiteralPath $Broken
$ErrorView = 'NormalView'
Get-WeightInfo -LiteralPath $Broken
Get-Error | Out-Host
'@
        $broken = Join-Path $folder "$hostileName-broken.safetensors"
        New-Safetensors $broken ('{{"a":t{0}}}' -f $hostile) 0
        $text = pwsh -NoProfile -NonInteractive -File $script $ModulePath $file $broken (Join-Path $folder "$hostileName.pth") *>&1 | Out-String -Width 1000
        $text | Should -Match 'VERBOSE: Hashing 4 bytes'
        $text | Should -Match 'What if: '
        $text | Should -Match 'ML4004|this is not JSON'
        Find-Hidden $text | Should -BeNullOrEmpty
    }
    It 'is completed to text that can be typed' {
        $words = (Get-Completion "Get-WeightInfo -LiteralPath '$($file -replace "'", "''")' -Include ").Where({ $_.ListItemText -like '=*' })
        $words.Count | Should -Be 1
        Find-Hidden ($words.ListItemText + $words.ToolTip + $words.CompletionText) | Should -BeNullOrEmpty
        Invoke-Expression $words.CompletionText | Should -BeExactly $invisible
    }
}
