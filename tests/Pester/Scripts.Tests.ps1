BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $noAnalyzer = -not (Get-Command Invoke-ScriptAnalyzer -ErrorAction Ignore)
    $scripts = 'build.ps1', 'examples', 'bench', 'tests/Pester' | ForEach-Object { Get-ChildItem (Join-Path $RepositoryRoot $_) -Recurse -Filter *.ps1 } | ForEach-Object FullName
}
Describe 'The scripts of the repository' {
    It '<_> parses' -ForEach $scripts {
        $problems = $null
        $null = [System.Management.Automation.Language.Parser]::ParseFile($_, [ref]$null, [ref]$problems)
        $problems | Should -BeNullOrEmpty
    }
    # PowerShell ignores help that follows a line comment directly.
    It '<_> shows its help' -ForEach ($scripts | Where-Object { (Get-Content -Raw $_) -match '(?m)^\.SYNOPSIS' }) {
        $null = (Get-Content -Raw $_) -match '(?m)^\.SYNOPSIS\r?\n\s+(?<First>.+?)\s*$'
        (Get-Help $_).Synopsis | Should -BeLike "$([wildcardpattern]::Escape($Matches.First))*"
    }
    It "have no findings of PSScriptAnalyzer$(if ($noAnalyzer) { ' (it is not installed: Install-PSResource PSScriptAnalyzer)' })" -Skip:$noAnalyzer -ForEach @{ Scripts = $scripts } {
        # Blocks of Pester use variables that other blocks assign. Examples are run from the help of MemLoad.
        $Scripts | ForEach-Object { Invoke-ScriptAnalyzer $_ -ExcludeRule PSUseDeclaredVarsMoreThanAssignments, PSAvoidUsingInvokeExpression } | Should -BeNullOrEmpty
    }
}
