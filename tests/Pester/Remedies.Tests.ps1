# The remedies of the module's errors are executed here.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    Push-Location $TestDrive
    function Get-Problem([scriptblock]$Script) {
        try { $null = & $Script } catch { return $_ }
        throw "No error: $Script"
    }
}
AfterAll { Pop-Location; Clear-ModelMemory }
Describe 'Messages' {
    It 'name cmdlets and parameters that exist' {
        $literals = Get-ChildItem (Join-Path $RepositoryRoot src/MemLoad.Cmdlets) -Filter *.cs -Recurse |
            Where-Object { $_.FullName -notmatch '[\\/]obj[\\/]' -and $_.Name -ne 'PowerShellWorker.cs' } | Get-Content | Where-Object { $_ -notmatch '^\s*//' } |
            ForEach-Object { [regex]::Matches($_, '"[^"]*"').Value }
        $null = Get-LoadPlan $file # the words of the module are set when a cmdlet has run
        $library = [MemLoad.Strategy].Assembly
        $words = $library.GetType('MemLoad.Vocabulary').GetProperty('Current').GetValue($null)
        $words.Settings | Should -Contain '-HostMemoryLimit'
        $rules = Get-RuleText
        $rules.Count | Should -BeGreaterThan 100
        $text = @($literals) + $words.Settings + $words.Acts + $rules -join "`n"
        $commands = Get-Command -Module MemLoad
        $cmdlets = [regex]::Matches($text, '\b(?:Get|New|Remove|Import|Export|Convert|Measure|Test|Clear|Reset|Invoke)-[A-Z]\w+').Value | Sort-Object -Unique
        $cmdlets | Should -Contain Import-Weights
        $cmdlets | Where-Object { $_ -notin $commands.Name + 'Get-Error' + 'Export-Csv' } | Should -BeNullOrEmpty
        $parameters = [regex]::Matches($text, '(?<![\w-])-[A-Z]\w+').Value.Substring(1) | Sort-Object -Unique
        $parameters | Should -Contain Strategy
        # ./build.ps1 -Torch.
        $parameters | Where-Object { $_ -notin $commands.Parameters.Keys + 'Torch' } | Should -BeNullOrEmpty
    }
}
Describe 'Errors' {
    It 'begin with the id of the rule in every view of a shell' {
        $null = Get-LoadPlan nosuch.pth -ErrorVariable missing -ErrorAction SilentlyContinue
        $row = Measure-LoadMemory $file -Strategy Baseline -Device cpu -HostMemoryLimit 1KB -ErrorVariable refused -ErrorAction SilentlyContinue
        $import = Get-Problem { Import-Weights $file -Strategy Baseline -Device cpu -HostMemoryLimit 1KB -ErrorAction Stop }
        $kept = Get-Problem { $row | Export-LoadReport nosuch/page.html -WarningAction SilentlyContinue }
        $unknown = Get-Problem { Invoke-GptModel nosuch 1 }
        "$unknown" | Should -BeLike "*ML6030: there is no model 'nosuch' in this session. Get-GptModel lists*"
        foreach ($problem in $missing[0], $refused[0], $import, $kept) {
            $id = $problem.FullyQualifiedErrorId -replace ',.*'
            $id | Should -Match '^ML\d{4}$'
            "$problem" | Should -BeExactly "${id}: $($problem.Exception.Message)"
            foreach ($view in 'ConciseView', 'NormalView') { & { $ErrorView = $view; $problem | Out-String -Width 500 } | Should -BeLike "*${id}: *" -Because $view }
        }
        "$($refused[0])" | Should -Be $row.Message
    }
}
Describe 'Remedies' {
    It 'name a strategy that fits a device, and no switch that overrides the device' {
        $model = New-GptModel -VocabularySize 60000 -ContextLength 8 -EmbeddingSize 64 -LayerCount 1 -HeadCount 2
        $null = Export-Weights $model wide.pth
        Remove-GptModel $model
        $request = @{ Path = 'wide.pth'; Device = 'sim'; HeadCount = 2; DeviceMemoryLimit = 40MB; ErrorAction = 'Stop' }
        $refusal = Get-Problem { Import-Weights @request -Strategy Baseline -Force }
        $refusal.FullyQualifiedErrorId | Should -BeLike 'ML7006,*'
        "$refusal" | Should -Not -Match '-Force'
        "$refusal" -match ' fits: type -Strategy (\w+)\.' | Should -BeTrue -Because "$refusal"
        (Import-Weights @request -Strategy $Matches[1]).State | Should -Be Loaded
    }
    It 'name formats as -Format accepts them' {
        foreach ($line in 'Convert-Weights model.pth out.xyz', 'Convert-Weights model.pth', 'Export-Weights (New-GptModel @TinyGpt) out.xyz') {
            $problem = Get-Problem ([scriptblock]::Create("$line -ErrorAction Stop"))
            $problem.FullyQualifiedErrorId | Should -BeLike 'ML9101,*'
            "$problem" -match 'Add -Format (\w+), (\w+) or (\w+)' | Should -BeTrue -Because "$problem"
            $Matches[1..3] | Should -Be ([enum]::GetNames([MemLoad.WeightFormat]))
        }
        foreach ($format in 'Pth', 'Safetensors', 'Folder') {
            Convert-Weights model.pth "out.$($format -replace 'Pth', 'xyz' -replace 'Folder', 'd')x" -Format $format | Should -Exist
        }
        Convert-Weights model.pth -Format Folder | Should -Exist
    }
    It 'name for -DType exactly the accepted types' {
        foreach ($command in (Get-Command -Module MemLoad).Where{ $_.Parameters.ContainsKey('DType') }) {
            (Get-Completion "$($command.Name) -DType ").CompletionText | Should -Be 'BFloat16', 'Float16', 'Float32' -Because $command.Name
        }
        foreach ($dtype in (Get-Completion 'New-GptModel -DType ').CompletionText) { (New-GptModel @TinyGpt -DType $dtype).State | Should -Be Built }
        $problem = "$(Get-Problem { New-GptModel @TinyGpt -DType Int8 -ErrorAction Stop })"
        foreach ($dtype in 'BFloat16', 'Float16', 'Float32') { $problem | Should -Match "\b$dtype\b" }
    }
    It 'cast weights that models do not compute with' {
        $wide = Join-Path $FixturesPath dtypes/mix.pth
        Get-WeightInfo $wide | Where-Object DType -eq float64 | Should -Not -BeNullOrEmpty
        (Import-Weights $wide -DType Float32 -Device cpu).AsWeights().Tensors.Where{ $_.DType -eq 'Float64' } | Should -BeNullOrEmpty
    }
    It 'name the ranks of the given split' {
        "$(Get-Problem { Get-LoadPlan model.pth -Rank 3 -ErrorAction Stop })" | Should -Match '-RankCount\)\.$'
        $problem = "$(Get-Problem { Get-LoadPlan model.pth -Rank 3 -RankCount 3 -ErrorAction Stop })"
        $problem -match 'ranks of 3 are 0 to (\d+) .*-Rank\)\.$' | Should -BeTrue
        $last = $Matches[1]
        { Get-LoadPlan model.pth -Rank $last -RankCount 3 -ErrorAction Stop } | Should -Not -Throw
    }
    It 'lead to a written page of a report' {
        $rows = Measure-LoadMemory model.pth -Strategy Stream -InProcess -Device cpu
        $null = New-Item -ItemType Directory page.html
        $problem = Get-Problem { $rows | Export-LoadReport page.html -ErrorAction Stop }
        $problem.FullyQualifiedErrorId | Should -BeLike 'ML9103,*'
        "$problem" | Should -Match 'Name a file in the folder'
        "$problem" | Should -Not -Match 'checkpoint'
        ($rows | Export-LoadReport page.html/page.html -PassThru).FullName | Should -Exist
        "$(Get-Problem { $rows | Export-LoadReport nowhere/page.html -ErrorAction Stop })" | Should -Match 'Create the folder first'
    }
    It 'load into a model that has no weights' {
        $model = New-GptModel @TinyGpt -Meta -Name empty
        "$(Get-Problem { Invoke-GptModel $model 1, 2 -ErrorAction Stop })" | Should -Match 'Import-Weights -Model'
        $null = Import-Weights model.pth -Model empty
        (Invoke-GptModel empty 1, 2).Shape | Should -Be '1,2,64'
    }
    It 'ask for the number of heads' {
        $model = Import-Weights model.pth -Name headless -WarningAction SilentlyContinue
        "$(Get-Problem { Invoke-GptModel $model 1 -ErrorAction Stop })" | Should -Match 'Import-Weights -HeadCount'
        (Invoke-GptModel (Import-Weights model.pth -HeadCount 2) 1).Shape | Should -Be '1,1,64'
    }
}
Describe 'A path with brackets' {
    BeforeAll {
        Copy-Item model.pth -Destination 'odd[1].pth'
        Copy-Item model.pth -Destination 'open[1.pth'
    }
    # Pester 5 does not delete files with such names.
    AfterAll { Remove-Item -LiteralPath 'open[1.pth', 'odd[1].pth' }
    It 'is the file with that name: <_>' -ForEach 'odd[1].pth', './odd[1].pth', 'open[1.pth' {
        (Get-LoadPlan $_ -Strategy Mmap).Path | Should -Be (Join-Path $TestDrive ($_ -replace '^\./'))
        (Get-LoadPlan -LiteralPath $_ -Strategy Mmap).Path | Should -Be (Join-Path $TestDrive ($_ -replace '^\./'))
    }
    It 'is a pattern if there is no such file' {
        (Get-LoadPlan '[m]odel.pth' -Strategy Mmap).Path | Should -Be $file
        (Get-LoadPlan 'odd`[1`].pth' -Strategy Mmap).Path | Should -Be (Join-Path $TestDrive 'odd[1].pth')
    }
    It 'is an error that explains brackets: <_>' -ForEach 'none[1].pth', 'none[1.pth', 'none*.pth' {
        $path = $_
        $problem = Get-Problem { Get-LoadPlan $path -ErrorAction Stop }
        $problem.FullyQualifiedErrorId | Should -BeLike 'ML1001,*'
        "$problem" | Should -Match 'stand for other characters'
    }
}
