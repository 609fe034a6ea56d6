namespace MemLoad;

/// <summary>The arguments of a call in a pickle. An argument of another form is an <see cref="InvalidCastException"/>.</summary>
internal static class CallArgument
{
    /// <summary>The most characters of a word.</summary>
    public const int LongestWord = 64;

    /// <summary>Returns a value that is not None, which a cast accepts.</summary>
    public static T NotNone<T>(object? value)
        where T : class => value as T ?? throw new InvalidCastException();

    /// <summary>Returns a short text, such as the name of a device or a type.</summary>
    public static string Word(object? value, FileBudget budget)
    {
        budget.Spend(FileBudget.Text(2 * LongestWord));
        return value is string { Length: <= LongestWord } word ? word : throw new InvalidCastException();
    }
}
