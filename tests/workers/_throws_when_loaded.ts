throw new Error("at load", { cause: new Error("the cause of it") });
