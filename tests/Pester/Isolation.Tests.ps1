# The module with another module that has its own assemblies of the same names, in separate processes.
BeforeDiscovery { . $PSScriptRoot/common.ps1 }
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = Split-Path $ModulePath
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file

    # Add-Type generates names for assemblies. Its compiler does not.
    Add-Type -AssemblyName Microsoft.CodeAnalysis.CSharp
    function New-Assembly([string]$File, [string]$Source, [string[]]$Reference, [byte[]]$PublicKey) {
        $options = [Microsoft.CodeAnalysis.CSharp.CSharpCompilationOptions]::new('DynamicallyLinkedLibrary')
        if ($PublicKey) {
            $options = $options.WithPublicSign($true).WithCryptoPublicKey([Collections.Immutable.ImmutableArray]::Create[byte]($PublicKey))
        }
        $references = @(Get-ChildItem $PSHOME/ref/*.dll) + $Reference -ne $null | ForEach-Object { [Microsoft.CodeAnalysis.MetadataReference]::CreateFromFile("$_") }
        $compilation = [Microsoft.CodeAnalysis.CSharp.CSharpCompilation]::Create(
            (Split-Path -LeafBase $File), [Microsoft.CodeAnalysis.SyntaxTree[]][Microsoft.CodeAnalysis.CSharp.CSharpSyntaxTree]::ParseText($Source),
            [Microsoft.CodeAnalysis.MetadataReference[]]$references, $options)
        $result = [Microsoft.CodeAnalysis.FileSystemExtensions]::Emit($compilation, $File, [NullString]::Value, [NullString]::Value, [NullString]::Value, $null, [Threading.CancellationToken]::None)
        if (-not $result.Success) { throw "$($result.Diagnostics)" }
        $File
    }

    # A module whose cmdlet calls an assembly of each name. The assemblies have another version than those of MemLoad, the same public key,
    # and other content.
    function New-ClashingModule([string]$Version, [string[]]$Name) {
        $module = New-Item -ItemType Directory (Join-Path $TestDrive "clash-$([guid]::NewGuid())")
        $references = foreach ($each in $Name) {
            New-Assembly (Join-Path $module "$each.dll") -PublicKey ([Reflection.AssemblyName]::GetAssemblyName("$folder/$each.dll").GetPublicKey()) -Source @"
[assembly: System.Reflection.AssemblyVersion("$Version")]
public static class $($each.Replace('.', '')) { public static string Version => "$each $Version"; }
"@
        }
        New-Assembly (Join-Path $module Clash.dll) -Reference (@($references) + [psobject].Assembly.Location) -Source @"
using System.Management.Automation;
[Cmdlet("Get", "Clash")]
public sealed class GetClashCommand : Cmdlet
{
    protected override void ProcessRecord() => WriteObject(string.Join(", ", $($Name.ForEach{ $_.Replace('.', '') + '.Version' } -join ', ')));
}
"@
    }
}
Describe 'A module with another version of the dependencies' {
    BeforeDiscovery {
        $cases = foreach ($version in '0.0.0.1', '99.0.0.0') {
            foreach ($first in 'Clash', 'MemLoad') { @{ Version = $version; First = $first } }
        }
    }
    It 'works together with MemLoad: <Version>, <First> first' -ForEach $cases {
        $names = 'System.IO.Hashing', 'System.Numerics.Tensors'
        # The runtime uses a later library in the default context for the cmdlets, which the next test shows.
        if ($Version -eq '0.0.0.1' -or $First -eq 'MemLoad') { $names += 'MemLoad.Core' }
        $clash = New-ClashingModule $Version $names
        $digest = (New-WeightManifest $file (Join-Path $TestDrive model.manifest.json) -Force).WeightsDigest
        $order = $First -eq 'Clash' ? @("Import-Module '$clash'; Get-Clash", "Import-Module '$ModulePath'") : @("Import-Module '$ModulePath'", "Import-Module '$clash'")
        $script = @"
            `$ErrorActionPreference = 'Stop'
            `$WarningPreference = 'Ignore'
            $($order[0])
            $($order[1])
            # A checksum and a forward pass need the dependencies.
            `$copy = Export-Weights (Import-Weights '$file' -Device cpu -HeadCount 2) '$TestDrive/copy.pth' -Force
            `$logits = Invoke-GptModel (Get-GptModel) 1, 2, 3
            [ordered]@{
                Digest   = (Measure-LoadMemory '$TestDrive/copy.pth' -Strategy Stream).WeightsDigest
                Sound    = (Test-Weights '$TestDrive/copy.pth').Verdict
                Logits   = `$logits.Logits.Count
                Clash    = Get-Clash
                Literal  = "`$([MemLoad.Strategy]::Mmap), `$([memload.printable]::Text('x'))"
                Again    = 1 | ForEach-Object -Parallel { Import-Module '$ModulePath'; @(Get-LoadPlan '$file').Count }
                Contexts = [AppDomain]::CurrentDomain.GetAssemblies().Where{ `$_.GetName().Name -in '$($names -join "', '")', 'MemLoad.Core' }.ForEach{
                    '{0} {1}' -f `$_.GetName().Name, [Runtime.Loader.AssemblyLoadContext]::GetLoadContext(`$_).Name }
            } | ConvertTo-Json
"@
        $text = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command $script 2>&1
        $LASTEXITCODE | Should -Be 0 -Because ($text -join "`n")
        if ($First -eq 'Clash') { $text = $text[1..$text.Count] }
        $result = $text | ConvertFrom-Json
        $result.Digest | Should -Be $digest
        $result.Sound | Should -Be Sound
        $result.Logits | Should -Be (3 * 64)
        $result.Clash | Should -Be ($names.ForEach{ "$_ $Version" } -join ', ')
        $result.Literal | Should -Be 'Mmap, x'
        $result.Again | Should -Be $StrategyNames.Count
        # Each module has its own assemblies, and MemLoad has loaded none into the default context.
        $result.Contexts | Sort-Object | Should -Be (@($names.ForEach{ "$_ Default" }) + @(($names + 'MemLoad.Core' | Sort-Object -Unique).ForEach{ "$_ MemLoad" }) | Sort-Object)
    }
    It 'that has loaded a later MemLoad.Core prevents the import of MemLoad, with a message of one sentence' {
        $clash = New-ClashingModule 99.0.0.0 MemLoad.Core
        $text = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command "Import-Module '$clash'; Get-Clash; try { Import-Module '$ModulePath' -ErrorAction Stop } catch { `"`$_`" }"
        $text | Should -Be 'MemLoad.Core 99.0.0.0', "Another module has loaded MemLoad.Core 99.0.0.0, and this MemLoad is $ModuleVersion.0. Import MemLoad first, or in another process."
    }
}
Describe 'The load context of the module' {
    It 'has every assembly of the folder except those that PowerShell imports' {
        $imported = 'MemLoad.Cmdlets', 'MemLoad.Isolation'
        $others = (Get-ChildItem $folder -Filter *.dll).BaseName.Where{ $_ -notin $imported }
        $others | Should -Contain System.IO.Hashing
        # The runtime looks for the references of these two in the default context.
        [MemLoad.Commands.MeasureLoadMemoryCommand].Assembly.GetReferencedAssemblies().Name.Where{ $_ -in $others } | Should -Be MemLoad.Core
        [MemLoad.Isolation.ModuleImport].Assembly.GetReferencedAssemblies().Name.Where{ $_ -in $others } | Should -BeNullOrEmpty
    }
    It 'hides no public type from a type literal' {
        $cmdlets = [MemLoad.Commands.MeasureLoadMemoryCommand].Assembly
        $library = [MemLoad.Strategy].Assembly
        [Runtime.Loader.AssemblyLoadContext]::GetLoadContext($library).Name | Should -Be MemLoad
        $types = $library.GetExportedTypes().Where{ -not $_.IsNested }
        $types.Count | Should -BeGreaterThan 50
        $cmdlets.GetForwardedTypes().Where{ -not $_.IsNested }.FullName | Sort-Object | Should -Be ($types.FullName | Sort-Object)
    }
}
