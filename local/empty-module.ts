// Stands for a module that is named and never used where the Worker runs.
export {};
