using System.Globalization;
using System.Runtime.CompilerServices;

namespace MemLoad.Tests;

/// <summary>
/// All tests run under a culture that writes 1.234,5 and −5, so that code that depends on the culture by mistake fails. The culture is
/// created here, because the tests run without the culture data of the system.
/// </summary>
internal static class ForeignCulture
{
    [ModuleInitializer]
    internal static void Apply()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        culture.NumberFormat.PercentDecimalSeparator = ",";
        culture.NumberFormat.NegativeSign = "\u2212";
        culture.DateTimeFormat.DateSeparator = ".";
        CultureInfo.DefaultThreadCurrentCulture = culture;
        CultureInfo.CurrentCulture = culture;
    }
}
