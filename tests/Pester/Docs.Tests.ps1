# Every powershell block of README*.md and docs/*.md runs, statement by statement, on small files with the names in the documents. The
# blocks for a shell run in tests/MemLoad.Tests/Docs.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    # The statements that are not run, and the reasons. They are parsed, and their parameters must be those of the cmdlets.
    $notRun = [ordered]@{
        '^(Register-PSResourceRepository|Install-PSResource)'       = 'installs: Package.Tests.ps1 does'
        '^(Unblock-File|Expand-Archive|Set-Location|\./memload|winget)' = 'the way in, which Package.Tests.ps1 goes'
        '^\./(bench|examples|build)'                                = 'builds, or takes minutes, gigabytes, root or other machines'
        '^Import-Module'                                            = 'this suite has imported it'
        '(New-PSSession|-Session |-HostName |-ComputerName |\$sessions)' = 'needs other machines'
        '(Pester|\$configuration|\$expected)'                       = 'Server-Example.Tests.ps1 runs that script'
        '(https?|hf)://'                                            = 'needs a server'
        '-Device (cuda|torch):'                                     = 'needs TorchSharp'
    }
    $files = @(Get-ChildItem (Join-Path $RepositoryRoot README*.md)) + @(Get-ChildItem (Join-Path $RepositoryRoot docs/*.md))
    $blocks = foreach ($file in $files) {
        $lines = Get-Content $file
        for ($i = 0; $i -lt $lines.Count; $i++) {
            if ($lines[$i].Trim() -ne '```powershell') { continue }
            $first = $i + 1
            while ($lines[++$i].Trim() -ne '```') { }
            $problems = $null
            $ast = [System.Management.Automation.Language.Parser]::ParseInput(($lines[$first..($i - 1)] -join "`n"), [ref]$null, [ref]$problems)
            $statements = foreach ($statement in $ast.EndBlock.Statements) {
                $reason = $notRun.Keys | Where-Object { $statement.Extent.Text -match $_ } | Select-Object -First 1 | ForEach-Object { $notRun[$_] }
                @{ Text = $statement.Extent.Text; Ast = $statement; Reason = $reason }
            }
            @{ Where = "$([IO.Path]::GetRelativePath($RepositoryRoot, $file)):$($first + 1)"; Problems = $problems; Statements = @($statements) }
        }
    }
}
BeforeAll { . $PSScriptRoot/common.ps1 }
Describe 'PowerShell in the documents' {
    BeforeAll {
        $before = $PSDefaultParameterValues.Clone()
        # A small checkpoint replaces the generated checkpoint here.
        $PSDefaultParameterValues['Measure-LoadMemory:Path'] = 'model.pth'
        # One strategy replaces all strategies, because each is a process.
        $PSDefaultParameterValues['Measure-LoadMemory:Strategy'] = 'Stream'
    }
    AfterAll { $PSDefaultParameterValues.Clear(); $before.GetEnumerator() | ForEach-Object { $PSDefaultParameterValues[$_.Key] = $_.Value } }
    It '<Where> parses and its parameters exist' -ForEach $blocks {
        $Problems | Should -BeNullOrEmpty
        foreach ($command in $Statements.Ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
            $name = $command.GetCommandName()
            $known = if ($name) { Get-Command $name -ErrorAction Ignore }
            if ($name -match '^[A-Z]\w+-[A-Z]\w+$') { $known | Should -Not -BeNullOrEmpty -Because "$name is a cmdlet" }
            if ($name -like './*.ps1') { $known = Get-Command (Join-Path $RepositoryRoot $name) }
            if (-not $known.Parameters) { continue }
            foreach ($element in $command.CommandElements.Where{ $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                { $known.ResolveParameter($element.ParameterName) } | Should -Not -Throw -Because "$name knows -$($element.ParameterName)"
            }
        }
    }
    It '<Where> runs' -ForEach ($blocks | Where-Object { $_.Statements.Where{ -not $_.Reason } }) {
        $text = $Statements.Where{ -not $_.Reason }.Text -join "`n"
        Push-Location (New-Item -ItemType Directory (Join-Path $TestDrive ([guid]::NewGuid())))
        try {
            New-TinyCheckpoint model.pth
            Copy-Item (Join-Path $FixturesPath containers/model_and_optimizer.pth) run.pth
            Copy-Item (Join-Path $FixturesPath distributed/two-ranks) step-1000 -Recurse
            $null = Convert-Weights model.pth model.safetensors
            { $null = . ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'`n$text")) } | Should -Not -Throw -Because $text
        } finally {
            Pop-Location
            Clear-ModelMemory
        }
    }
}
