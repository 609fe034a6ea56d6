namespace MemLoad;

/// <summary>The status of a row, for monitoring.</summary>
public enum RowStatus
{
    /// <summary>The load succeeded, as forecast if there is a forecast, and inside its bounds.</summary>
    Pass,
    /// <summary>The load succeeded, but not as forecast, or above a bound that warns.</summary>
    Warn,
    /// <summary>The load did not succeed, or is above a bound that fails.</summary>
    Fail,
}
