BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $hashes = (Get-WeightInfo $file -Hash).Sha256
}
AfterAll { Clear-ModelMemory }
Describe 'Get-WeightInfo' {
    It 'lists the tensors of the fixtures as PyTorch wrote them' -ForEach 'tiny/fp32.pth', 'tiny/bf16.safetensors', 'layout/views_and_shared.pth' {
        $expected = Get-Content (Join-Path $FixturesPath "$_.expected.json") | ConvertFrom-Json
        $found = Get-WeightInfo (Join-Path $FixturesPath $_) -Hash
        ($found | Sort-Object Name).Name | Should -Be ($expected.tensors | Sort-Object name).name
        ($found | Sort-Object Name).Sha256 | Should -Be ($expected.tensors | Sort-Object name).sha256
    }
    It 'selects by key and name' {
        (Get-WeightInfo $file -Include *.mask).Count | Should -Be 2
        { Get-WeightInfo $file -Include nothing* -ErrorAction Stop } | Should -Throw -ErrorId 'ML6006,MemLoad.Commands.GetWeightInfoCommand'
    }
}
Describe 'A file with objects and tensors' {
    BeforeAll { $withObjects = Join-Path $RepositoryRoot tests/cases/03-argparse-namespace/esm2.pt }
    It 'is refused with the name of the switch' {
        { Get-WeightInfo $withObjects -ErrorAction Stop } | Should -Throw -ErrorId 'ML3003,MemLoad.Commands.GetWeightInfoCommand'
        (Test-Weights $withObjects).Remedy | Should -Match "torch\.save\(c\['model'\], new\).*-AllowOpaque"
    }
    It 'opens in every cmdlet with -AllowOpaque, also in the process that measures' {
        (Get-WeightInfo $withObjects -AllowOpaque).Name | Should -Be 'model.conv.weight', 'model.conv.bias', 'model.bn.num_batches_tracked'
        $manifest = (New-WeightManifest $withObjects "$TestDrive/objects.manifest.json" -AllowOpaque).Manifest
        $verdict = Test-Weights $withObjects -AllowOpaque -Manifest $manifest
        $verdict.Verdict, $verdict.OpaqueObjects | Should -Be Sound, 1
        $verdict.Warning | Should -Match "objects are left out: 1 \('args'\)"
        (Get-LoadPlan $withObjects -AllowOpaque -Strategy Stream).OpaqueObjects | Should -Be 1
        $row = Measure-LoadMemory $withObjects -AllowOpaque -Strategy Stream
        $row.Outcome, $row.OpaqueObjects | Should -Be Loaded, 1
        $row.WeightsDigest | Should -Be (Measure-LoadMemory $withObjects -AllowOpaque -Strategy Stream -InProcess).WeightsDigest
        $copy = Convert-Weights $withObjects "$TestDrive/objects.safetensors" -AllowOpaque
        (Test-Weights $copy -Manifest $manifest).IsSound | Should -BeTrue
        $model = Import-Weights $withObjects -AllowOpaque
        $model.Strategy | Should -Not -BeNullOrEmpty
        Remove-GptModel $model
    }
}
Describe 'Test-Weights' {
    It 'gives one verdict per file, with the broken rule' {
        $verdicts = Get-ChildItem (Join-Path $FixturesPath tiny/*.pth) | Test-Weights
        ($verdicts | Where-Object -Not IsSound).RuleId | Should -Be ML3004
        ($verdicts | Where-Object IsSound).Count | Should -Be 5
    }
    It 'states the finding and the remedy' {
        $verdict = Test-Weights (Join-Path $FixturesPath tiny/whole_module.pth)
        $verdict.Verdict | Should -Be Unsound
        $verdict.Finding | Should -Match 'not a state dict'
        $verdict.Remedy | Should -Match 'state_dict'
        $verdict.Offset | Should -BeOfType long
    }
    It 'reads everything with -Deep' {
        $verdict = Test-Weights (Join-Path $FixturesPath tiny/fp32.pth) -Deep
        $verdict.Verdict | Should -Be Sound
        $verdict.VerifiedRecordCount | Should -BeGreaterThan 0
        $verdict.NanCount | Should -Be 0
        (Test-Weights (Join-Path $FixturesPath tiny/fp32.pth)).NanCount | Should -BeNullOrEmpty
        $rotten = Join-Path $TestDrive rotten.pth
        $bytes = [System.IO.File]::ReadAllBytes($file)
        $offset = (Get-WeightInfo $file)[0].Offset
        $bytes[$offset] = $bytes[$offset] -bxor 1
        [System.IO.File]::WriteAllBytes($rotten, $bytes)
        (Test-Weights $rotten).Verdict | Should -Be Sound
        (Test-Weights $rotten -Deep).RuleId | Should -Be ML2016
    }
    It 'shows every property in the list' {
        $list = Test-Weights $file | Format-List | Out-String -Width 300
        foreach ($name in [MemLoad.WeightVerdict].GetProperties().Name | Where-Object { $_ -ne 'EqualityContract' }) { $list | Should -Match "(?m)^$name +:" }
    }
    It 'passes sound files on' {
        (Test-Weights $file | Where-Object IsSound | Get-LoadPlan -Strategy Mmap).Path | Should -Be $file
    }
    It 'distinguishes files that are not checkpoints from damaged ones' {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive tree)
        Copy-Item $file $folder/good.pth
        $null = New-WeightManifest $folder/good.pth
        'Name,Size', 'a,1' | Set-Content $folder/rows.csv
        '{"a": 1}' | Set-Content $folder/config.json
        $null = New-Item $folder/empty.txt, $folder/empty.safetensors
        $null = New-Item -ItemType Directory $folder/sub
        Set-Content $folder/page.pth '<html>404</html>'
        Compress-Archive $folder/rows.csv $folder/rows.zip
        $verdicts = Get-ChildItem -Recurse $folder | Test-Weights
        ($verdicts | Where-Object Verdict -eq NotACheckpoint).Path | Split-Path -Leaf | Sort-Object |
            Should -Be config.json, empty.txt, good.manifest.json, rows.csv, rows.zip, sub
        ($verdicts | Where-Object Verdict -eq Unsound).Path | Split-Path -Leaf | Sort-Object | Should -Be empty.safetensors, page.pth
        @($verdicts | Where-Object IsSound).Count | Should -Be 1
    }
    It 'gives a Boolean for each path with -Quiet, and no error for a missing path' {
        $file, $PSCommandPath, (Join-Path $TestDrive nothing.pth), (Join-Path $TestDrive nothing*.pth), 'Env:PATH' | Test-Weights -Quiet -ErrorAction Stop |
            Should -Be $true, $false, $false, $false, $false
        Test-Weights $file -Quiet | Should -BeTrue
        { Test-Weights /etc/passwd -Quiet | Should -BeTrue } | Should -Throw
        { Test-Weights $file -Quiet -Manifest nothing.json -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,*'
        Test-Weights $file -Quiet -Manifest nothing.json -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }
    It 'warns of NaN and Inf with -Deep, and not of the zeros of a new model' {
        $odd = Join-Path $TestDrive odd.safetensors
        $null = Convert-Weights $file $odd
        $tensor = Get-WeightInfo $odd | Where-Object DType -EQ Float32 | Select-Object -First 1
        $bytes = [System.IO.File]::ReadAllBytes($odd)
        [BitConverter]::GetBytes([single]::NaN).CopyTo($bytes, $tensor.Offset)
        [System.IO.File]::WriteAllBytes($odd, $bytes)
        $verdict = Test-Weights $odd -Deep -WarningVariable said -WarningAction SilentlyContinue
        $verdict.IsSound, $verdict.NanCount | Should -Be $true, 1
        "$said" | Should -BeLike "*odd.safetensors: 1 tensor with NaN or Inf: '$($tensor.Name)'*"
        $null = Test-Weights $file -Deep -WarningVariable said
        $said | Should -BeNullOrEmpty
    }
    It 'reports an error for a missing path' {
        { Test-Weights nothing.pth -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,MemLoad.Commands.TestWeightsCommand'
    }
}
Describe 'New-WeightManifest and -Manifest' {
    BeforeAll {
        $manifest = Join-Path $TestDrive model.manifest.json
        $written = New-WeightManifest $file
        $rotten = Join-Path $TestDrive rotten.safetensors
        $null = Convert-Weights $file $rotten
        $tensor = (Get-WeightInfo $rotten)[3]
        $bytes = [System.IO.File]::ReadAllBytes($rotten)
        $bytes[$tensor.Offset + $tensor.Bytes - 1] = $bytes[$tensor.Offset + $tensor.Bytes - 1] -bxor 64
        [System.IO.File]::WriteAllBytes($rotten, $bytes)
    }
    It 'writes into the folder of the checkpoint and returns the path' {
        $written.Manifest | Should -Be $manifest
        $written.TensorCount | Should -Be $hashes.Count
        $written.WeightsDigest | Should -Match '^[0-9a-f]{64}$'
        ($written | Out-String -Width 300) | Should -BeLike "*$($written.WeightsDigest.Substring(0, 16))*model.manifest.json*"
    }
    It 'writes JSON that PowerShell reads' {
        $read = Get-Content $manifest | ConvertFrom-Json
        $read.ManifestVersion, $read.WeightsDigest | Should -Be 1, $written.WeightsDigest
        $read.Tensors.Sha256 | Sort-Object | Should -Be ($hashes | Sort-Object)
    }
    It 'replaces files only if forced, never weights, and writes nothing under -WhatIf' {
        { New-WeightManifest $file -ErrorAction Stop } | Should -Throw -ErrorId 'ML9102,MemLoad.Commands.NewWeightManifestCommand'
        { New-WeightManifest $file -Force -ErrorAction Stop } | Should -Not -Throw
        { New-WeightManifest $file $file -Force -ErrorAction Stop } | Should -Throw -ErrorId 'ML1008,*'
        $other = Join-Path $TestDrive other.manifest.json
        New-WeightManifest $file $other -WhatIf
        $other | Should -Not -Exist
    }
    It 'writes into a folder, one file for each checkpoint of the pipeline' {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive manifests)
        (Get-Item $file, $rotten | New-WeightManifest -Destination $folder).Manifest | Should -Be (Join-Path $folder model.manifest.json), (Join-Path $folder rotten.manifest.json)
    }
    It 'matches the same weights in <_>' -ForEach 'same.safetensors', 'same.pth', 'same' {
        $verdict = Test-Weights (Convert-Weights $file (Join-Path $TestDrive "manifest-$_")) -Manifest $manifest -Deep
        $verdict.Verdict, $verdict.WeightsDigest, $verdict.ManifestDigest | Should -Be Sound, $written.WeightsDigest, $written.WeightsDigest
        $verdict.NanCount | Should -Be 0
    }
    It 'passes the manifest through the pipeline to the test' {
        (New-WeightManifest $file -Force | Test-Weights).DifferingTensorCount | Should -Be 0
    }
    It 'names the tensor of a flipped bit' {
        (Test-Weights $rotten -Deep).Verdict | Should -Be Sound
        $verdict = Test-Weights $rotten -Manifest $manifest
        $verdict.Verdict, $verdict.RuleId, $verdict.Offset | Should -Be Unsound, ML6111, $tensor.Offset
        $verdict.Finding | Should -BeLike "1 of * tensors differs from the manifest: '$($tensor.Name)'"
    }
    It 'reports an error for an invalid manifest' {
        { Test-Weights $file -Manifest $file -ErrorAction Stop } | Should -Throw -ErrorId 'ML6102,MemLoad.Commands.TestWeightsCommand'
        { Test-Weights $file -Manifest nothing.json -ErrorAction Stop } | Should -Throw -ErrorId 'ML1001,*'
        { Get-LoadPlan $file -ErrorAction Stop; Measure-LoadMemory $file -Manifest $file -ErrorAction Stop } | Should -Throw -ErrorId 'ML6102,MemLoad.Commands.MeasureLoadMemoryCommand'
    }
    It 'is in measured rows, and a load that differs has failed' {
        $row = Measure-LoadMemory $file -Strategy Stream -Manifest $manifest
        $row.Outcome, $row.ManifestDigest, $row.WeightsDigest | Should -Be Loaded, $written.WeightsDigest, $written.WeightsDigest
        $row = Measure-LoadMemory $rotten -Strategy Stream -Manifest $manifest -ErrorVariable problem -ErrorAction SilentlyContinue
        $row.Outcome, $row.ManifestDigest | Should -Be Failed, $written.WeightsDigest
        $row.Message | Should -BeLike "ML6111: *'$($tensor.Name)'*"
        $problem.FullyQualifiedErrorId | Should -Be 'ML6111,MemLoad.Commands.MeasureLoadMemoryCommand'
    }
    It 'prevents Import-Weights from returning other weights' {
        (Import-Weights $file -HeadCount 2 -Manifest $manifest).State | Should -Be Loaded
        $before = @(Get-GptModel).Count
        { Import-Weights $rotten -HeadCount 2 -Manifest $manifest -ErrorAction Stop } | Should -Throw -ErrorId 'ML6111,MemLoad.Commands.ImportWeightsCommand'
        @(Get-GptModel).Count | Should -Be $before
        $meta = New-GptModel @TinyGpt -Meta
        { Import-Weights $rotten -Model $meta -Manifest $manifest -ErrorAction Stop } | Should -Throw -ErrorId 'ML6111,*'
        $meta.State | Should -Be Meta
        { Import-Weights $file -Exclude *.mask -Manifest $manifest -ErrorAction Stop } | Should -Not -Throw
    }
}
Describe 'Convert-Weights and Export-Weights' {
    It 'writes <_> with the same weights' -ForEach 'out.safetensors', 'out.pth', 'out' {
        $target = Join-Path $TestDrive "convert-$_"
        (Convert-Weights $file $target).FullName | Should -Be $target
        (Get-WeightInfo $target -Hash | Sort-Object Name).Sha256 | Should -Be (Get-WeightInfo $file -Hash | Sort-Object Name).Sha256
        $model = Import-Weights $file -HeadCount 2
        $exported = Join-Path $TestDrive "export-$_"
        (Export-Weights $model $exported).FullName | Should -Be $exported
        (Get-WeightInfo $exported -Hash | Sort-Object Name).Sha256 | Should -Be (Get-WeightInfo $file -Hash | Sort-Object Name).Sha256
    }
    It 'replaces files only if forced' {
        $target = Join-Path $TestDrive there.safetensors
        $null = Convert-Weights $file $target
        { Convert-Weights $file $target -ErrorAction Stop } | Should -Throw -ErrorId 'ML9102,MemLoad.Commands.ConvertWeightsCommand'
        { Convert-Weights $file $target -Force -ErrorAction Stop } | Should -Not -Throw
    }
    It 'writes nothing under -WhatIf' {
        $target = Join-Path $TestDrive whatif.safetensors
        Convert-Weights $file $target -WhatIf
        Export-Weights (New-GptModel @TinyGpt) $target -WhatIf
        $target | Should -Not -Exist
    }
    It 'names the file that it writes next to an index after the model' {
        $shards = Join-Path $TestDrive shards
        $null = Convert-Weights $file $shards -MaxShardSize 1KB
        $index = Join-Path $shards model.safetensors.index.json
        (Convert-Weights $index -Format Pth).FullName | Should -Be (Join-Path $shards model.pth)
        (New-WeightManifest $index).Manifest | Should -Be (Join-Path $shards model.manifest.json)
        (Get-WeightInfo $shards -WarningAction Ignore).Count | Should -Be (Get-WeightInfo $file).Count
    }
    It 'names the file that it writes next to a folder after the folder' {
        $folder = Join-Path $TestDrive model-3.1
        $null = Convert-Weights $file $folder -Format Folder
        foreach ($given in $folder, "$folder/") {
            (Convert-Weights $given -Format Safetensors -Force).FullName | Should -Be "$folder.safetensors"
            { Convert-Weights $given -MaxShardSize 1KB -ErrorAction Stop } | Should -Throw -ErrorId 'ML9102,*'
            $model = Import-Weights $given -Strategy Stream -HeadCount 2
            $model.Name | Should -Be model-3.1
            Remove-GptModel $model
        }
    }
    It 'requires a format' {
        { Convert-Weights $file (Join-Path $TestDrive out.xyz) -ErrorAction Stop } | Should -Throw -ErrorId 'ML9101,*'
        { Convert-Weights $file -ErrorAction Stop } | Should -Throw -ErrorId 'ML9101,*'
    }
    It 'refuses to export a model without weights' {
        { Export-Weights (New-GptModel @TinyGpt -Meta) (Join-Path $TestDrive meta.pth) -ErrorAction Stop } | Should -Throw -ErrorId 'ML6027,MemLoad.Commands.ExportWeightsCommand'
    }
}
