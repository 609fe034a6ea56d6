<#
.SYNOPSIS
    Publishes the command for one system and packs it: memload-<version>-<runtime>.tar.gz, or .zip for Windows.
.DESCRIPTION
    src/MemLoad.Cli/MemLoad.Cli.csproj states what is published and how it is compiled. The modes of files are set here and not taken from
    the disk, so that an archive can also be made on Windows.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$Runtime,
    [Parameter(Mandatory)][string]$Version,
    [Parameter(Mandatory)][string]$Destination
)

$ErrorActionPreference = 'Stop'
$name = "memload-$Version-$Runtime"
$folder = Join-Path $PSScriptRoot obj $name
& (Join-Path $PSScriptRoot Publish-Project.ps1) -Project (Join-Path $PSScriptRoot ../src/MemLoad.Cli) -Runtime $Runtime -Folder $folder

$program = $Runtime.StartsWith('win') ? 'memload.exe' : 'memload'
if (-not (Test-Path (Join-Path $folder $program))) { throw "dotnet publish created no $program." }
$files = Get-ChildItem $folder -File -Recurse | Sort-Object FullName
$archive = Join-Path $Destination ($name + ($Runtime.StartsWith('win') ? '.zip' : '.tar.gz'))
$stream = [IO.File]::Create($archive)
try {
    if ($Runtime.StartsWith('win')) {
        $zip = [IO.Compression.ZipArchive]::new($stream, 'Create', $true)
        foreach ($file in $files) {
            $entry = $zip.CreateEntry("$name/$([IO.Path]::GetRelativePath($folder, $file).Replace('\', '/'))")
            $to = $entry.Open()
            $from = $file.OpenRead()
            try { $from.CopyTo($to) } finally { $from.Dispose(); $to.Dispose() }
        }
        $zip.Dispose()
    } else {
        $gzip = [IO.Compression.GZipStream]::new($stream, [IO.Compression.CompressionLevel]::Optimal, $true)
        $tar = [Formats.Tar.TarWriter]::new($gzip, [Formats.Tar.TarEntryFormat]::Ustar, $true)
        foreach ($file in $files) {
            $entry = [Formats.Tar.UstarTarEntry]::new('RegularFile', "$name/$([IO.Path]::GetRelativePath($folder, $file).Replace('\', '/'))")
            # The program must be executable, even if this file system has no modes.
            $entry.Mode = [IO.UnixFileMode]($file.Name -eq $program ? 0x1ED : 0x1A4)   # 0755, 0644
            $from = $file.OpenRead()
            try {
                $entry.DataStream = $from
                $tar.WriteEntry($entry)
            } finally { $from.Dispose() }
        }
        $tar.Dispose()
        $gzip.Dispose()
    }
} finally { $stream.Dispose() }
