namespace MemLoad.Cli;

/// <summary>The examples below the options on each help page.</summary>
internal static class Examples
{
    public static string[] For(string command) =>
        Of(command) is { Length: > 0 } examples ? ["Examples:", .. examples]
            : ["Start with: memload measure", "More on a command: memload measure --help"];

    private static string[] Of(string command) => command switch
    {
        "measure" =>
        [
            "  memload measure",
            "      all six strategies on a generated gpt2-small, each in a new process",
            "  memload measure model.pth --strategy Stream,Mmap --device cpu --format csv > rows.csv",
            "  memload measure train.pth --key model_state_dict --cache cold --repeat 3",
            "  memload measure --path model.pth --cache warm -- python3 load.py",
            "  memload measure model.pth --timeline-path samples.jsonl --format csv > rows.csv",
            "",
            "Exit code: 0 if every load succeeded and all weights agree, 1 if not, 2 for a wrong command line, 130 after Ctrl-C.",
        ],
        "plan" =>
        [
            "  memload plan --size gpt2-xl",
            "  memload plan model.safetensors --device sim --device-memory-limit 8GB",
            "",
            "Exit code: 0 if a plan fits, 1 if none does.",
        ],
        "inspect" =>
        [
            "  memload inspect model.pth",
            "  memload inspect model.safetensors --hash --format json",
        ],
        "test" =>
        [
            "  memload test model.pth",
            "  memload test a.pth b.safetensors --deep --format csv > verdicts.csv",
            "  memload test model.safetensors --manifest model.manifest.json",
            "",
            "Exit code: 0 if every checkpoint is sound, 1 if not.",
        ],
        "manifest" =>
        [
            "  memload manifest model.pth",
            "      writes model.manifest.json; on another machine: memload test model.safetensors --manifest model.manifest.json",
            "  memload manifest train.pth --key model_state_dict --out model.manifest.json",
        ],
        "warm" =>
        [
            "  memload warm /mnt/models/model.safetensors --dry-run",
            "  memload warm /mnt/models/model.safetensors",
        ],
        "convert" =>
        [
            "  memload convert model.pth --out model.safetensors",
            "  memload convert train.pth --key model_state_dict --out tensors/ --to folder",
        ],
        "new" =>
        [
            "  memload new --size gpt2-small --out gpt2-small.pth",
            "  memload new --vocab 1000 --context 64 --emb 48 --layers 2 --heads 3 --dtype bfloat16 --out tiny.safetensors",
        ],
        "invoke" =>
        [
            "  memload invoke gpt2-small.pth --token-ids 15496,11,314,716",
            "  memload invoke tiny.pth --heads 3 --token-ids 1,2,3 --strategy Mmap --format json",
        ],
        "report" =>
        [
            "  memload measure model.pth --timeline-path samples.jsonl --format csv > rows.csv",
            "  memload report rows.csv --timeline-path samples.jsonl --out report.html",
            "  memload report node1.csv node2.csv --out fleet.html --picture-path pictures",
        ],
        "runtime" => ["  memload runtime --format json"],
        "completion" =>
        [
            "  eval \"$(memload completion bash)\"",
            "      in ~/.bashrc",
            "  source <(memload completion zsh)",
            "      in ~/.zshrc",
            "  memload completion pwsh | Out-String | Invoke-Expression",
            "      in $PROFILE",
        ],
        "help" => ["  memload help measure"],
        _ => [],
    };
}
