BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $cmdlets = (Get-Command -Module MemLoad).Name | ForEach-Object { @{ Cmdlet = $_ } }
    $examples = foreach ($name in $cmdlets.Cmdlet) {
        $number = 0
        foreach ($example in (Get-Help $name -Full).examples.example) { @{ Cmdlet = $name; Number = ++$number; Code = $example.code } }
    }
}
BeforeAll {
    . $PSScriptRoot/common.ps1
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
    It 'has at least two examples, each explained' {
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
    It 'shows each parameter set' {
        @($help.syntax.syntaxItem).Count | Should -Be (Get-Command $Cmdlet).ParameterSets.Count
    }
}
Describe 'Examples' {
    BeforeAll {
        $before = $PSDefaultParameterValues.Clone()
        # What the examples take from the generated checkpoint is shown on a small one here.
        $PSDefaultParameterValues['Measure-LoadMemory:Path'] = 'model.pth'
        $PSDefaultParameterValues['Get-LoadPlan:Path'] = 'model.pth'
    }
    AfterAll { $PSDefaultParameterValues.Clear(); $before.GetEnumerator() | ForEach-Object { $PSDefaultParameterValues[$_.Key] = $_.Value } }
    BeforeEach {
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid())))
        New-TinyCheckpoint model.pth
    }
    AfterEach { Pop-Location; Clear-ModelMemory }
    It '<Cmdlet>, example <Number>, runs' -ForEach $examples {
        # -Path by default and piped files are two parameter sets.
        if ($Code -match '\| (Measure-LoadMemory|Get-LoadPlan)') { $PSDefaultParameterValues.Remove("$($Matches[1]):Path") }
        if ($Code -match '-ScriptBlock') { $PSDefaultParameterValues.Remove('Measure-LoadMemory:Path') }
        { Invoke-Expression $Code -ErrorAction Stop } | Should -Not -Throw
        $PSDefaultParameterValues['Measure-LoadMemory:Path'] = 'model.pth'
    }
}
Describe 'About topics' {
    It '<_> is found' -ForEach 'about_MemLoad', 'about_MemLoad_Strategies', 'about_MemLoad_Measuring' {
        (Get-Help $_ | Out-String) | Should -Match 'LONG DESCRIPTION'
    }
}
