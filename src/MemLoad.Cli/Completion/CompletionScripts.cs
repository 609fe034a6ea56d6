namespace MemLoad.Cli;

/// <summary>
/// The scripts with which shells complete words. Each script calls the program, which knows its own options, and otherwise completes files.
/// </summary>
internal static class CompletionScripts
{
    public static readonly Words<string> Shells = new("shell", ("bash", Bash), ("zsh", Zsh), ("pwsh", PowerShell));

    // bash also splits words at ':' and '='. The script splits the line only at spaces, and removes the part before such a character again.
    private const string Bash = """
        # bash completion for memload: eval "$(memload completion bash)"
        _memload()
        {
            local line=${COMP_LINE:0:COMP_POINT} words current prefix
            read -r -a words <<< "$line"
            [[ $line == *[[:space:]] ]] && words+=("")
            current=${words[${#words[@]}-1]}
            local IFS=$'\n'
            COMPREPLY=($("$1" complete -- "${words[@]:1}" 2> /dev/null))
            if [[ $current == *[:=]* ]]; then
                prefix=${current%"${current##*[:=]}"}
                COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
            fi
        }
        complete -o bashdefault -o default -F _memload memload
        """;

    private const string Zsh = """
        #compdef memload
        # zsh completion for memload: source <(memload completion zsh)
        _memload()
        {
            local -a found
            found=("${(@f)$("${(Q)words[1]}" complete -- "${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
            if (( ${#found[1]} )); then
                compadd -- "${found[@]}"
            else
                _files
            fi
        }
        (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
        compdef _memload memload
        """;

    private const string PowerShell = """
        # PowerShell completion for memload: memload completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName memload -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $before = @($commandAst.CommandElements).Where{ $_.Extent.StartOffset -lt $cursorPosition }.Extent
            $words = @($before.ForEach{ $_.Text.Substring(0, [math]::Min($_.EndOffset, $cursorPosition) - $_.StartOffset) })
            # Behind a space a word begins.
            if ($before[-1].EndOffset -lt $cursorPosition) { $words += '' }
            $program, [string[]]$typed = $words
            & $program complete -- @typed 2> $null |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;
}
