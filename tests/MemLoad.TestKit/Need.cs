namespace MemLoad.Tests;

/// <summary>A resource that some tests need and that a machine may not have. The class has a constructor without parameters.</summary>
public abstract class Need
{
    /// <summary>Its name, in words that follow "tests that need".</summary>
    public abstract string Name { get; }

    /// <summary>The reason why it is missing; null if it exists.</summary>
    public abstract string? WhyNot { get; }

    /// <summary>Whether the user who runs the tests requested it. Its absence is then a failure.</summary>
    public virtual bool IsAskedFor => false;
}
