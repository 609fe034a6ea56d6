using System.Globalization;
using System.Runtime.CompilerServices;

namespace MemLoad.Tests;

/// <summary>
/// All tests run under a culture that writes 1.234,5 and −5: what depends on the culture of its user by accident is found out. The culture
/// is built by hand, because the tests run without the system's tables of cultures.
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
