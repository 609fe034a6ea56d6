BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $topics = (Get-ChildItem (Join-Path $RepositoryRoot docs/en-US/about_*)).Name -replace '\.help\.txt$'
    $cmdlets = (Get-Command -Module MemLoad).Name | ForEach-Object { @{ Cmdlet = $_ } }
    $examples = foreach ($name in $cmdlets.Cmdlet) {
        $number = 0
        foreach ($example in (Get-Help $name -Full).examples.example) { @{ Cmdlet = $name; Number = ++$number; Code = $example.code } }
    }
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $DocsPath = Join-Path $RepositoryRoot docs
    function Get-HelpUnder([string]$Culture, [string]$Name) {
        $before = [cultureinfo]::CurrentUICulture
        try {
            [cultureinfo]::CurrentUICulture = $Culture
            Get-Help $Name -Full | Out-String -Width 200
        }
        finally { [cultureinfo]::CurrentUICulture = $before }
    }
    function Get-Topic([string]$Culture, [string]$Name) { Get-Content -Raw (Join-Path $DocsPath $Culture "$Name.help.txt") }
    function Get-Match([string]$Text, [string]$Pattern) { [regex]::Matches($Text, $Pattern).Value }
    $common = [System.Management.Automation.Cmdlet]::CommonParameters
}
Describe 'Help of <Cmdlet>' -ForEach $cmdlets {
    BeforeAll { $help = Get-Help $Cmdlet -Full }
    It 'has synopsis, description, inputs and outputs' {
        $help.Synopsis | Should -Not -BeNullOrEmpty
        $help.Synopsis | Should -Not -BeLike "*$Cmdlet *"
        ($help.description | Out-String).Trim().Length | Should -BeGreaterThan 40
        $help.inputTypes.inputType.type.name | Should -Not -BeNullOrEmpty
        $help.returnValues.returnValue.type.name | Should -Not -BeNullOrEmpty
    }
    It 'comes from a page with the front matter of PlatyPS, which help does not show' {
        $page = Get-Content (Join-Path $DocsPath en-US "$Cmdlet.md")
        $page[0] | Should -Be '---'
        $end = [array]::IndexOf($page, '---', 1)
        $page[1..($end - 1)] | Should -Be @(
            'document type: cmdlet', 'external help file: MemLoad.Cmdlets.dll-Help.xml', "HelpUri: ''", 'Locale: en-US', 'Module Name: MemLoad'
            'PlatyPS schema version: 2024-05-01', "title: $Cmdlet")
        # Other lines are not front matter, because a page begins with its title.
        $page[$end + 2] | Should -Be "# $Cmdlet"
        $help | Out-String | Should -Not -Match 'PlatyPS|external help file'
    }
    It 'has at least two examples, each with an explanation' {
        @($help.examples.example).Count | Should -BeGreaterOrEqual 2
        foreach ($example in $help.examples.example) {
            $example.code | Should -Not -BeNullOrEmpty
            ($example.remarks.Text -join '').Trim() | Should -Not -BeNullOrEmpty
        }
    }
    It 'describes every parameter, and no other' {
        $parameters = (Get-Command $Cmdlet).Parameters.Keys | Where-Object { $_ -notin $common }
        $described = @($help.parameters.parameter) | Where-Object { ($_.description.Text -join '').Trim() } | ForEach-Object name
        $described | Sort-Object | Should -Be ($parameters | Sort-Object)
    }
    It 'shows the default value of every parameter that has one, and the words of every closed list' {
        $type = (Get-Command $Cmdlet).ImplementingType
        $fresh = [Activator]::CreateInstance($type)
        foreach ($parameter in (Get-Command $Cmdlet).Parameters.Values | Where-Object Name -notin $common) {
            $shown = $help.parameters.parameter | Where-Object name -eq $parameter.Name
            $shown.defaultValue | Should -Not -BeNullOrEmpty -Because "-$($parameter.Name)"
            $plain = [Nullable]::GetUnderlyingType($parameter.ParameterType) ?? $parameter.ParameterType
            if ($plain.IsArray) { $plain = $plain.GetElementType() }
            if ($plain.IsEnum) { ($shown.description.Text -join "`n") | Should -Match "Accepted values: $([enum]::GetNames($plain) -join ', ')\." }
            $mandatory = $parameter.ParameterSets.Values.IsMandatory -contains $true
            # Words describe the defaults that depend on the machine.
            if ($mandatory -or $parameter.Name -eq 'Device' -or $parameter.Name -in 'WhatIf', 'Confirm') { continue }
            $value = $fresh.($parameter.Name)
            if ($parameter.SwitchParameter) { $shown.defaultValue | Should -Be False }
            elseif ($null -ne $value -and "$value" -ne '') { $shown.defaultValue | Should -Be ([string]::Format([cultureinfo]::InvariantCulture, '{0}', ($value -join ', '))) -Because "-$($parameter.Name)" }
        }
    }
    It 'shows each parameter set' {
        @($help.syntax.syntaxItem).Count | Should -Be (Get-Command $Cmdlet).ParameterSets.Count
    }
}
Describe 'Examples' {
    BeforeAll {
        $before = $PSDefaultParameterValues.Clone()
        # A small checkpoint replaces the generated checkpoint of the examples here.
        $PSDefaultParameterValues['Measure-LoadMemory:Path'] = 'model.pth'
        $PSDefaultParameterValues['Get-LoadPlan:Path'] = 'model.pth'
        # Two strategies are enough for an example that measures every strategy.
        $PSDefaultParameterValues['Measure-LoadMemory:Strategy'] = 'Mmap', 'Stream'
    }
    AfterAll { $PSDefaultParameterValues.Clear(); $before.GetEnumerator() | ForEach-Object { $PSDefaultParameterValues[$_.Key] = $_.Value } }
    BeforeEach {
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid())))
        New-TinyCheckpoint model.pth
        Copy-Item (Join-Path $FixturesPath distributed/two-ranks) step-1000 -Recurse
        # A cache of the Hugging Face hub with the model of an example.
        $cache = $env:HF_HUB_CACHE
        $env:HF_HUB_CACHE = "$pwd/hub"
        $snapshot = New-Item -ItemType Directory hub/models--Qwen--Qwen2.5-0.5B/snapshots/abcd, hub/models--Qwen--Qwen2.5-0.5B/refs
        Set-Content hub/models--Qwen--Qwen2.5-0.5B/refs/main abcd -NoNewline
        Copy-Item model.pth (Join-Path $snapshot[0] pytorch_model.bin)
    }
    AfterEach { $env:HF_HUB_CACHE = $cache; Pop-Location; Clear-ModelMemory }
    It '<Cmdlet>, example <Number>, runs' -ForEach $examples {
        # The default -Path and piped files are two parameter sets.
        if ($Code -match '\| (Measure-LoadMemory|Get-LoadPlan)') { $PSDefaultParameterValues.Remove("$($Matches[1]):Path") }
        if ($Code -match '-ScriptBlock|Measure-LoadMemory \{') { $PSDefaultParameterValues.Remove('Measure-LoadMemory:Path'); $PSDefaultParameterValues.Remove('Measure-LoadMemory:Strategy') }
        if ($Code -match 'https://|-Remote') {
            # There is no such server. Remote.Tests.ps1 has one.
            { Invoke-Expression $Code -ErrorAction Stop } | Should -Throw -ErrorId 'ML52*'
        }
        elseif (-not $IsLinux -and $Code -match '-FilePath') {
            # Only Linux lists the memory of a program's processes.
            { Invoke-Expression $Code -ErrorAction Stop } | Should -Throw -ErrorId 'ML8017*'
        }
        else {
            { Invoke-Expression $Code -ErrorAction Stop } | Should -Not -Throw
        }
        $PSDefaultParameterValues['Measure-LoadMemory:Path'] = 'model.pth'
        $PSDefaultParameterValues['Measure-LoadMemory:Strategy'] = 'Mmap', 'Stream'
    }
}
Describe 'About topics' {
    It '<_> is found' -ForEach $topics {
        (Get-Help $_ | Out-String) | Should -Match 'LONG DESCRIPTION'
    }
    It '<_> is shown in Japanese under a Japanese culture, with the headings of the English topic' -ForEach $topics {
        $english = Get-HelpUnder en-US $_
        $japanese = Get-HelpUnder ja-JP $_
        $english | Should -Not -Match '\p{IsHiragana}'
        $japanese | Should -Match '\p{IsHiragana}'
        Get-Match $japanese '(?m)^[A-Z ]+(?=\r?$)' | Should -Be (Get-Match $english '(?m)^[A-Z ]+(?=\r?$)')
    }
    It '<_> is shown in English under every other culture' -ForEach $topics {
        Get-HelpUnder de-DE $_ | Should -BeExactly (Get-HelpUnder en-US $_)
    }
}
Describe 'Get-Help -Online' {
    It 'has no page, and the topic states where the documents are' {
        { Get-Help Get-LoadPlan -Online -ErrorAction Stop } | Should -Throw
        (Get-Help about_MemLoad | Out-String) | Should -Match 'folder of the module\.\s+There is no web page for Get-Help -Online\.'
    }
}
Describe 'Help of cmdlets under ja-JP' {
    It 'of <Cmdlet> is the English help' -ForEach $cmdlets {
        $help = Get-HelpUnder ja-JP $Cmdlet
        $help | Should -Match '(?m)^DESCRIPTION'
        $help | Should -BeExactly (Get-HelpUnder en-US $Cmdlet)
    }
    It 'is found by a shell that starts under it' -Skip:$IsWindows {
        $before = $env:LC_ALL
        try {
            $env:LC_ALL = 'ja_JP.UTF-8'
            $shown = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command (
                "Import-Module '$ModulePath'; [cultureinfo]::CurrentUICulture.Name; (Get-Help Measure-LoadMemory).Synopsis; Get-Help about_MemLoad")
        }
        finally { $env:LC_ALL = $before }
        $shown[0] | Should -Be ja-JP
        $shown[1] | Should -Be (Get-Help Measure-LoadMemory).Synopsis
        $shown[2..($shown.Count - 1)] -join "`n" | Should -Match '\p{IsHiragana}'
    }
}
Describe 'Topics in Japanese' {
    BeforeAll {
        # Parameters, cmdlets, errors, strategies, and words with a second capital, a dot or an underscore: properties, files, settings. The
        # name of MemLoad is allowed.
        $named = '(?<![\w-])-?-[A-Za-z]\w*', '\b[A-Z][a-z]+-[A-Z]\w+', '\bML\d{4}\b', "\b(?:$($StrategyNames -join '|'))\b",
            '\b(?!MemLoad\b)\w*[a-z][A-Z]\w*', '\b\w+[_.]\w+' -join '|'
    }
    It 'are the same topics as in English' {
        (Get-ChildItem (Join-Path $DocsPath ja-JP)).Name | Should -Be (Get-ChildItem (Join-Path $DocsPath en-US/about_*)).Name
    }
    It '<_> has the names of the English topic' -ForEach $topics {
        $topic = $_
        $english, $japanese = 'en-US', 'ja-JP' | ForEach-Object { , @(Get-Match (Get-Topic $_ $topic) $named | Sort-Object -Unique -CaseSensitive) }
        $english | Should -Not -BeNullOrEmpty
        $japanese | Should -Be $english
    }
    It '<_> fits a terminal of 80 columns, except for commands' -ForEach $topics {
        foreach ($line in (Get-Topic ja-JP $_) -split '\r?\n' | Where-Object { $_ -notmatch '^ {8}' }) {
            $wide = @([regex]::Matches($line, '[\u2e80-\u9fff\uff01-\uff60]')).Count
            $line.Length + $wide | Should -BeLessOrEqual 80 -Because $line
        }
    }
}
