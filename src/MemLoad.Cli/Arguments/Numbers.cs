namespace MemLoad.Cli;

/// <summary>Options whose values are numbers, in the invariant culture.</summary>
internal static class Numbers
{
    /// <summary>Creates an option for a number of bytes, such as <c>512MB</c>.</summary>
    public static Option<long?> BytesOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "size",
        CustomParser = result =>
        {
            string text = result.Tokens[^1].Value;
            if (ByteSize.TryParse(text, out long bytes))
            {
                return bytes;
            }
            result.AddError($"'{text}' is not a size for {name}: write bytes, or a number with KB, MB, GB or TB, such as 1.5GB");
            return null;
        },
    };

    /// <summary>Creates an option for a whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public static Option<int?> CountOption(string name, string description, int least = 1, int most = int.MaxValue) => new(name)
    {
        Description = description,
        HelpName = "n",
        CustomParser = result =>
        {
            string text = result.Tokens[^1].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count >= least && count <= most)
            {
                return count;
            }
            string upTo = most == int.MaxValue ? "" : $" to {most}";
            result.AddError($"'{text}' is not a value for {name}: write a whole number from {least}{upTo}");
            return null;
        },
    };

    /// <summary>Creates an option for a 64-bit whole number.</summary>
    public static Option<long> SeedOption(string name, string description, long defaultValue) => new(name)
    {
        Description = description,
        HelpName = "n",
        DefaultValueFactory = _ => defaultValue,
        CustomParser = result =>
        {
            string text = result.Tokens[^1].Value;
            if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seed))
            {
                result.AddError($"'{text}' is not a value for {name}: write a whole number");
            }
            return seed;
        },
    };
}
