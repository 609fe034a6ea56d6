@{
    RootModule           = 'MemLoad.Cmdlets.dll'
    # Imported first. It keeps the library and its dependencies apart from those of other modules.
    NestedModules        = @('MemLoad.Isolation.dll')
    ModuleVersion        = '0.1.0'
    GUID                 = '8cdba49e-bc78-49cf-95d4-47cab078145c'
    Author               = 'The MemLoad developers'
    CompanyName          = 'MemLoad'
    Copyright            = 'Copyright (c) 2026 the MemLoad developers'
    Description          = 'Loads model weights within the memory that is available, and forecasts the cost of a load before it starts. Opens PyTorch and safetensors checkpoints, forecasts host and device memory from headers alone, and measures every load in a fresh process.'
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('MemLoad.Format.ps1xml')
    TypesToProcess       = @('MemLoad.Types.ps1xml')
    CmdletsToExport      = @(
        'Clear-ModelMemory'
        'Convert-Weights'
        'Export-LoadMetric'
        'Export-LoadReport'
        'Export-Weights'
        'Get-GptModel'
        'Get-LoadPlan'
        'Get-MemLoadRuntime'
        'Get-MemoryUsage'
        'Get-WeightInfo'
        'Import-Weights'
        'Initialize-WeightCache'
        'Invoke-GptModel'
        'Measure-LoadMemory'
        'New-GptModel'
        'New-WeightManifest'
        'Remove-GptModel'
        'Reset-MemoryPeak'
        'Test-Weights'
    )
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{
        PSData = @{
            Tags         = @('PSEdition_Core', 'Windows', 'Linux', 'MacOS', 'memory', 'PyTorch', 'safetensors', 'checkpoint', 'weights', 'GPT', 'measurement')
            LicenseUri   = 'https://opensource.org/license/mit'
            ReleaseNotes = 'CHANGELOG.md in the folder of this manifest lists the changes.'
        }
    }
}
