# Dot-sourced by every test file: the built module in this process, and a small GPT checkpoint to work on.
$ErrorActionPreference = 'Stop'
$RepositoryRoot = Split-Path (Split-Path $PSScriptRoot)
$ManifestPath = Join-Path $RepositoryRoot module/MemLoad.psd1
$ModuleVersion = (Import-PowerShellDataFile $ManifestPath).ModuleVersion
$ModulePath = Join-Path $RepositoryRoot "output/MemLoad/$ModuleVersion/MemLoad.psd1"
$FixturesPath = Join-Path $RepositoryRoot tests/fixtures
$TinyGpt = @{ VocabularySize = 64; ContextLength = 16; EmbeddingSize = 8; LayerCount = 2; HeadCount = 2 }

# The strategies that write plans, in the order of the measurement. Auto chooses among them.
$StrategyNames = 'Baseline', 'Sequential', 'Meta', 'Mmap', 'PerTensor', 'Stream'

# The command of this PowerShell, for starting another: its program, or dotnet with an assembly if PowerShell is a .NET tool.
$ThisPowerShell = @((Get-Process -Id $PID).Path)
if ((Split-Path -LeafBase $ThisPowerShell[0]) -eq 'dotnet') { $ThisPowerShell += Join-Path $PSHOME pwsh.dll }
function Invoke-ThisPowerShell {
    $program, $first = $ThisPowerShell
    $all = @($first) + $args -ne $null
    & $program @all
}

# The command line that was built.
$MemLoadAssembly = @(Get-ChildItem (Join-Path $RepositoryRoot src/MemLoad.Cli/bin/*/net10.0/memload.dll) -ErrorAction Ignore |
    Sort-Object LastWriteTime)[-1]

# Creates a folder with the command line and this PowerShell under the names memload and pwsh, for scripts that find them on PATH.
function New-ProgramFolder([string]$Path) {
    $folder = (New-Item -ItemType Directory $Path).FullName
    foreach ($program in @{ memload = "dotnet' '$MemLoadAssembly"; pwsh = $ThisPowerShell -join "' '" }.GetEnumerator()) {
        Set-Content "$folder/$($program.Key)" "#!/bin/sh`nexec '$($program.Value)' `"`$@`""
        chmod +x "$folder/$($program.Key)"
    }
    $folder
}

if (-not (Get-Module MemLoad)) { Import-Module $ModulePath }

function New-TinyCheckpoint([string]$Path) {
    $model = New-GptModel @TinyGpt -Name tiny-source
    $null = Export-Weights $model $Path -Force
    Remove-GptModel $model
}

function Get-Completion([string]$Line) {
    [System.Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null).CompletionMatches
}

# The titles and remedies of the rules, which are internal to the library.
function Get-RuleText {
    $remedy = [MemLoad.Rule].GetProperty('Remedy', [Reflection.BindingFlags]'Instance, NonPublic')
    foreach ($property in [MemLoad.Rule].Assembly.GetType('MemLoad.Rules').GetProperties()) {
        $rule = $property.GetValue($null)
        $rule.Title
        $remedy.GetValue($rule).ToString()
    }
}
