BeforeAll {
    . $PSScriptRoot/common.ps1
    $small = Join-Path $TestDrive small.safetensors
    New-TinyCheckpoint $small
}
AfterAll { Clear-ModelMemory }
Describe 'The shell' {
    It 'continues if a model is removed in one runspace while another exports it' {
        $model = New-GptModel -VocabularySize 9000 -ContextLength 64 -EmbeddingSize 256 -LayerCount 2 -HeadCount 2 -Name shared
        $file = Join-Path $TestDrive shared.safetensors
        $null = Export-Weights $model $file
        Remove-GptModel $model
        $hash = (Get-FileHash $file).Hash
        foreach ($round in 1..6) {
            $model = Import-Weights $file -Device ('cpu', 'sim')[$round % 2] -Strategy ('Stream', 'Mmap', 'Stream')[$round % 3] -WarningAction Ignore
            $target = Join-Path $TestDrive "copy$round.safetensors"
            $said = 1..2 | ForEach-Object -Parallel {
                Import-Module $using:ModulePath
                $shared = $using:model
                if ($_ -eq 1) { try { $null = Export-Weights $shared $using:target -ErrorAction Stop; 'exported' } catch { $_.FullyQualifiedErrorId } }
                else { Start-Sleep -Milliseconds (10 * $using:round); Remove-GptModel $shared }
            }
            $said | Should -BeIn 'exported', 'ML6028,MemLoad.Commands.ExportWeightsCommand'
            if ($said -eq 'exported') { (Get-FileHash $target).Hash | Should -Be $hash }
            $model.State | Should -Be Removed
        }
    }
    It 'does not block a writer after the thread that mapped the file has ended' -Skip:(-not $IsLinux) {
        $file = Join-Path $TestDrive mapped.safetensors
        Copy-Item $small $file
        $model = Import-Weights $file -Strategy Mmap -Device cpu -WarningAction Ignore
        # Idle threads of the pool end after about twenty seconds.
        Start-Sleep 30
        # The kernel would hold the writer for 45 seconds.
        $waited = Measure-Command { & /bin/sh -c ': > "$1"' sh $file }
        $waited.TotalSeconds | Should -BeLessThan 10
        { Export-Weights $model (Join-Path $TestDrive lost.safetensors) -ErrorAction Stop } | Should -Throw -ErrorId 'ML1006,MemLoad.Commands.ExportWeightsCommand'
        Remove-GptModel $model
    }
}
Describe 'An unexpected error' {
    It 'is an error with the id ML9999, and the pipeline continues' {
        $references = (Join-Path (Split-Path $ModulePath) MemLoad.Cmdlets.dll), [psobject].Assembly.Location
        Add-Type -PassThru -IgnoreWarnings -ReferencedAssemblies $references -TypeDefinition @'
using System.Management.Automation;
[Cmdlet("Test", "Unforeseen")]
public sealed class UnforeseenCommand : MemLoad.Abstractions.MemLoadCmdlet
{
    [Parameter(ValueFromPipeline = true)] public int Number { get; set; }
    protected override void ProcessRecord() => Attempt(Number, () => WriteObject(10 / Number));
}
'@ | Select-Object -First 1 | ForEach-Object { Import-Module $_.Assembly }
        $results = 1, 0, 5 | Test-Unforeseen -ErrorVariable failed -ErrorAction SilentlyContinue
        $results | Should -Be 10, 2
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -Be 'ML9999,UnforeseenCommand'
        $failed[0].Exception.Message | Should -BeLike '*DivideByZeroException*'
        $failed[0].Exception.InnerException | Should -BeOfType ([DivideByZeroException])
        # Exceptions of PowerShell itself are not changed.
        1, 2, 5 | Test-Unforeseen | Select-Object -First 1 | Should -Be 10
    }
    It 'is not caused by a NUL in a path or by a size beyond all memory' {
        { Get-WeightInfo "a`0b" -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,*'
        { Get-WeightInfo -LiteralPath "a`0b" -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,*'
        { New-GptModel -VocabularySize 8 -ContextLength 8 -EmbeddingSize 1000000000 -LayerCount 1 -HeadCount 1 -Meta -ErrorAction Stop } |
            Should -Throw -ErrorId 'ML6022,MemLoad.Commands.NewGptModelCommand'
    }
}
Describe 'The measured child' {
    # A path that contains the path separator cannot name a startup hook.
    It 'starts from any folder of the module: <_>' -ForEach @(if ($IsWindows) { "it’s ‘a’ c'd" } else { "it’s ‘a’ `"b`" c'd", 'a:b' }) {
        $odd = Join-Path $TestDrive $_
        Copy-Item (Split-Path $ModulePath) $odd -Recurse
        $first = [Environment]::ProcessPath
        $rest = @([IO.Path]::GetFileNameWithoutExtension($first) -eq 'dotnet' ? (Join-Path $PSHOME pwsh.dll) : @())
        & $first @rest -NoProfile -CommandWithArgs 'Import-Module -Name (Join-Path $args[0] MemLoad.psd1); (Measure-LoadMemory -LiteralPath $args[1] -Strategy Stream).Outcome' $odd $small | Should -Be Loaded
    }
    It 'is started through dotnet if this shell was' -Skip:([IO.Path]::GetFileNameWithoutExtension([Environment]::ProcessPath) -ne 'dotnet') {
        $DebugPreference = 'Continue'
        $said = Measure-LoadMemory $small -Strategy Stream 5>&1 | Where-Object { $_ -is [System.Management.Automation.DebugRecord] -and "$_" -like 'Measured child*' }
        "$said" | Should -BeLike '*dotnet *pwsh.dll *'
    }
}
