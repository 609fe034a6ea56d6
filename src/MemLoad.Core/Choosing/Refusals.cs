namespace MemLoad;

/// <summary>
/// The messages of refused loads and models: the exceeded limit, the missing memory, and the command to type instead.
/// </summary>
internal static class Refusals
{
    /// <summary>
    /// Returns the error for a refused load. The plan <paramref name="nearest"/> is another plan that fits, or the plan that lacks least.
    /// The value <paramref name="fitsOnHost"/> states whether a mapping of the file on the host would fit.
    /// </summary>
    public static MemLoadException Of(
        PlanCandidate refused, PlanCandidate nearest, IDevice device, MemoryBudget budget, LoadRequest request, bool fitsOnHost)
    {
        Strategy asked = request.Strategy;
        Shortfall lack = refused.Shortfall!.Value;
        Remedy remedy = RemedyFor(lack, refused, nearest, budget, request, fitsOnHost);
        string name = asked == Strategy.Auto ? $"no strategy fits; the nearest, {refused.Name}," : refused.Name;
        return Of(name, lack, refused.Forecast, device, remedy);
    }

    /// <summary>Returns the error for memory that is refused before it is allocated.</summary>
    /// <param name="name">What needs the memory, as the subject of the message.</param>
    /// <param name="lack">The memory that is missing.</param>
    /// <param name="forecast">The memory that it needs.</param>
    /// <param name="device">The device that it is for.</param>
    /// <param name="remedy">What to do.</param>
    public static MemLoadException Of(string name, Shortfall lack, PlanForecast forecast, IDevice device, Remedy remedy)
    {
        if (lack.Limit is not MemoryLimit limit)
        {
            return Rules.DeviceLimitExceeded.Broken(
                $"{name} needs {Printable.Bytes(lack.NeedBytes)} of device memory on '{device.Name}', including the rounding of its "
                + $"allocator, {Printable.Bytes(lack.MissingBytes)} more than the {Printable.Bytes(lack.BudgetBytes)} that are available",
                remedy: remedy);
        }
        string what = limit.Counts switch
        {
            Counted.AddressSpace => "address space",
            Counted.AnonymousAndShared when device.IsUnified && forecast.Device.PeakReserved > 0 =>
                $"the memory that the host and '{device.Name}' share (at most {Printable.Bytes(forecast.PeakHostBytes)} for the "
                    + $"host and {Printable.Bytes(forecast.Device.PeakReserved)} for the device)",
            Counted.AnonymousAndShared when device.ReservesSharedMemory && forecast.Device.PeakReserved > 0 =>
                $"host memory, including the memory behind '{device.Name}'",
            _ => "host memory",
        };
        string reserve = limit.ReserveBytes == 0 ? "" : $"; {Printable.Bytes(limit.ReserveBytes)} are kept in reserve";
        return Rules.HostLimitExceeded.Broken(
            $"{name} needs {Printable.Bytes(lack.NeedBytes)} of {what}, {Printable.Bytes(lack.MissingBytes)} more than the "
                + $"{Printable.Bytes(lack.BudgetBytes)} it may use: {limit.Why}{reserve}",
            remedy: remedy);
    }

    private static Remedy RemedyFor(
        Shortfall lack, PlanCandidate refused, PlanCandidate nearest, MemoryBudget budget, LoadRequest request, bool fitsOnHost)
    {
        // The limit of a device cannot be overridden, and a plan that host memory refuses first may not fit the device either.
        bool forceHelps = lack.Limit is not null && !(refused.Forecast.Device.PeakReserved > budget.DeviceBytes);
        if (nearest.Shortfall is null)
        {
            // No option sets a smaller ring. Auto chooses it.
            string type = (nearest.HasUsualRing ? nearest.Strategy : Strategy.Auto).ToString();
            return forceHelps
                ? (Remedy)$"{nearest.Name} fits: type {(Setting.Strategy, type)}, or {Setting.Force} to load anyway."
                : (Remedy)$"{nearest.Name} fits: type {(Setting.Strategy, type)}.";
        }
        string least =
            request.Strategy == Strategy.Auto ? ""
                : $"No other strategy fits. The nearest is {nearest.Name}, {Printable.Bytes(nearest.Shortfall.Value.MissingBytes)} short. ";
        Remedy onHost = fitsOnHost
            ? (Remedy)$"On the host, Mmap fits: type {(Setting.Device, "cpu")} {(Setting.Strategy, "Mmap")}. "
            : "";
        Remedy force = forceHelps ? (Remedy)$" Or load anyway with {Setting.Force}." : "";
        return $"{least}{onHost}{Room(lack, request)}, or load fewer tensors ({Setting.Include}).{force}";
    }

    // A limit that the user set is raised with its option. A limit of the system or of a card cannot be raised.
    private static Remedy Room(Shortfall lack, LoadRequest request) => (lack.Limit, Own(lack, request)) switch
    {
        (null, true) => (Remedy)$"Raise {Setting.DeviceMemoryLimit}",
        (null, false) => "Free memory of the device",
        (_, true) => (Remedy)$"Raise {Setting.HostMemoryLimit}",
        _ => "Free memory or raise the limit",
    };

    private static bool Own(Shortfall lack, LoadRequest request) =>
        lack.Limit is null ? lack.BudgetBytes == request.DeviceMemoryLimit : lack.Limit.Name == MemoryBudget.OwnLimit;
}
