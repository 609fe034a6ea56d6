namespace MemLoad;

/// <summary>
/// Windows does not rename or delete a file that another program has open, such as a virus scanner or an indexer. These programs close it
/// soon, so that the operation is repeated for two seconds. Other systems do not need this.
/// </summary>
internal static class HeldBriefly
{
    private const int Attempts = 40;
    private const int LongestPause = 50; // milliseconds

    /// <summary>Does something. Repeats it while a file is open in another program.</summary>
    public static void Wait(Action act)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                act();
                return;
            }
            catch (Exception e)
                when (attempt < Attempts && OperatingSystem.IsWindows() && (e is UnauthorizedAccessException || WriteFailures.IsHeld(e)))
            {
                // A file that is being deleted, and a folder with an open file in it, are "access denied".
                Thread.Sleep(Math.Min(2 * attempt, LongestPause));
            }
        }
    }
}
