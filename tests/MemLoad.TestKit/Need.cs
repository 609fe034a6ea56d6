namespace MemLoad.Tests;

/// <summary>Something that a machine may lack and that some tests need. It has a constructor without parameters.</summary>
public abstract class Need
{
    /// <summary>What it is, in words that go behind "tests that need".</summary>
    public abstract string Name { get; }

    /// <summary>Why it is not here; null if it is.</summary>
    public abstract string? WhyNot { get; }

    /// <summary>Whether whoever runs the tests asked for it. Then its absence is a failure.</summary>
    public virtual bool IsAskedFor => false;
}
