BeforeDiscovery {
    . $PSScriptRoot/common.ps1
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $manifest = Import-PowerShellDataFile $ManifestPath
    $folder = Split-Path $ModulePath
}
Describe 'Manifest' {
    It 'is valid' {
        (Test-ModuleManifest $ModulePath).Version | Should -Be $manifest.ModuleVersion
    }
    It 'exports exactly the cmdlets of the assembly, and nothing else' {
        $module = Get-Module MemLoad
        $exported = [MemLoad.Commands.MeasureLoadMemoryCommand].Assembly.GetExportedTypes() |
            ForEach-Object { $_.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false) } | ForEach-Object { "$($_.VerbName)-$($_.NounName)" }
        $module.ExportedCmdlets.Keys | Sort-Object | Should -Be ($exported | Sort-Object)
        $manifest.CmdletsToExport | Sort-Object | Should -Be ($exported | Sort-Object)
        $module.ExportedFunctions.Count + $module.ExportedAliases.Count + $module.ExportedVariables.Count | Should -Be 0
    }
    It 'is the source of the version of the assemblies' {
        (Get-MemLoadRuntime)[0].ModuleVersion | Should -Be $manifest.ModuleVersion
    }
    It 'uses only approved verbs' {
        (Get-Module MemLoad).ExportedCmdlets.Values.Verb | Where-Object { $_ -notin (Get-Verb).Verb } | Should -BeNullOrEmpty
    }
    It 'does not include the assembly of PowerShell' {
        Join-Path $folder System.Management.Automation.dll | Should -Not -Exist
    }
    It 'includes its license, changes and help' {
        'LICENSE', 'CHANGELOG.md', 'en-US/MemLoad.Cmdlets.dll-Help.xml', 'en-US/about_MemLoad.help.txt', 'ja-JP/about_MemLoad.help.txt' | ForEach-Object { Join-Path $folder $_ | Should -Exist }
    }
}
Describe 'Import' {
    It 'works twice, by force, and after removal' {
        $ps = [powershell]::Create()
        try {
            $ps.AddScript("Import-Module '$ModulePath'; Import-Module '$ModulePath'; Import-Module '$ModulePath' -Force; Remove-Module MemLoad; Import-Module '$ModulePath'; (Get-Command -Module MemLoad).Count").Invoke() |
                Should -Be $manifest.CmdletsToExport.Count
            $ps.Streams.Error | Should -BeNullOrEmpty
        }
        finally { $ps.Dispose() }
    }
    It 'works in eight runspaces at once' {
        1..8 | ForEach-Object -ThrottleLimit 8 -Parallel { Import-Module $using:ModulePath; (Get-LoadPlan "$using:FixturesPath/tiny/fp32.pth").Count } | Should -Be (, 6 * 8)
    }
    It 'frees every model when the module is removed' {
        $ps = [powershell]::Create()
        try {
            $model = $ps.AddScript("Import-Module '$ModulePath'; `$m = New-GptModel -VocabularySize 64 -ContextLength 16 -EmbeddingSize 8 -LayerCount 2 -HeadCount 2; Remove-Module MemLoad; `$m").Invoke()[0]
            $model.State | Should -Be Removed
        }
        finally { $ps.Dispose() }
    }
    It 'frees every model when the runspace closes' {
        $ps = [powershell]::Create()
        $model = $ps.AddScript("Import-Module '$ModulePath'; New-GptModel -VocabularySize 64 -ContextLength 16 -EmbeddingSize 8 -LayerCount 2 -HeadCount 2").Invoke()[0]
        $model.State | Should -Be Built
        $ps.Runspace.Close()
        $ps.Dispose()
        $model.State | Should -Be Removed
    }
}
