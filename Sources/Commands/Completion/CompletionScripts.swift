/// The scripts of `corral completion`. They know nothing of the table: they ask `corral __complete`.
enum CompletionScripts {
    static let bash = #"""
        # Completion of corral for bash 4.4 or newer, as corral completion bash prints it.
        _corral() {
            local line=${COMP_LINE:0:COMP_POINT} bare word prefix addition=none i
            local -a words=()
            # bash cuts words at = and : where nobody else does: put together what no space parts.
            for ((i = 0; i <= COMP_CWORD; i++)); do
                bare=${line#"${line%%[![:space:]]*}"}
                word=${COMP_WORDS[i]}
                if [[ $i -eq $COMP_CWORD ]]; then word=$bare; fi
                if [[ ${#words[@]} -gt 0 && $bare == "$line" ]]; then
                    words[-1]+=$word
                else
                    words+=("$word")
                fi
                line=${bare#"$word"}
            done
            # Of the last word, what stands before the part that bash replaces.
            if [[ $word == [=:]* ]]; then word=${word##*[=:]}; fi
            prefix=${words[-1]%"$word"}
            COMPREPLY=()
            while IFS=$'\t' read -r line _; do
                case $line in
                    :*) addition=${line#:} ;;
                    *) COMPREPLY+=("${line#"$prefix"}") ;;
                esac
            done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
            case $addition in
                files)
                    compopt -o filenames 2>/dev/null
                    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
                    ;;
                directories)
                    compopt -o filenames 2>/dev/null
                    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word")
                    ;;
                programs) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
            esac
        }
        complete -o nosort -F _corral corral
        """#

    static let zsh = #"""
        #compdef corral
        # Completion of corral for zsh, as corral completion zsh prints it.
        _corral() {
            local line addition=none
            local -a described
            for line in "${(@f)$(${words[1]} __complete -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
                case $line in
                    :*) addition=${line#:} ;;
                    *) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
                esac
            done
            (( $#described )) && _describe -V corral described
            case $addition in
                files) compset -P '--*='; _files ;;
                directories) compset -P '--*='; _files -/ ;;
                programs) _command_names -e ;;
            esac
        }
        if [[ $funcstack[1] == _corral ]]; then _corral "$@"; else compdef _corral corral; fi
        """#

    static let fish = #"""
        # Completion of corral for fish, as corral completion fish prints it.
        function __corral_complete
            set -l words (commandline -opc)
            set -l current (commandline -ct)
            set -l addition none
            for line in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
                if string match -q ':*' -- $line
                    set addition (string sub -s 2 -- $line)
                else
                    printf '%s\n' $line
                end
            end
            set -l option (string match -r '^--[^=]*=' -- "$current")
            set -l part (string replace -r '^--[^=]*=' '' -- "$current")
            switch $addition
                case files
                    __fish_complete_path "$part" | string replace -r '^' -- "$option"
                case directories
                    __fish_complete_directories "$part" | string replace -r '^' -- "$option"
                case programs
                    __fish_complete_command
            end
        end
        complete -c corral -f -a '(__corral_complete)'
        """#
}
