-- What a Lua program does to its allocator; prints only what every run must print alike.

local function checksum(text)
  local sum = 0
  for i = 1, #text do sum = (sum * 31 + text:byte(i)) % 4294967296 end
  return sum
end

local function tables()
  local rows = {}
  for i = 1, 60000 do rows[i] = { id = i, name = "row" .. i, list = { i, i + 1, i + 2 } } end
  for i = 1, 60000, 2 do rows[i] = nil end
  collectgarbage()
  local total = 0
  for _, row in pairs(rows) do total = total + row.list[2] + #row.name end
  return total
end

local function strings()
  local parts = {}
  for i = 1, 30000 do parts[#parts + 1] = string.format("%d-%s", i, ("q"):rep(i % 90)) end
  local text = table.concat(parts, ",")
  text = text:gsub("(%d+)%-", function(number) return "<" .. (tonumber(number) * 3) .. ">" end)
  return checksum(text)
end

local function coroutines()
  local total = 0
  for i = 1, 3000 do
    local routine = coroutine.wrap(function()
      local kept = {}
      for j = 1, 10 do kept[j] = ("c"):rep(i % 200 + j); coroutine.yield(#kept[j]) end
    end)
    for _ = 1, i % 10 do total = total + routine() end
  end
  return total
end

local function generations()
  collectgarbage("generational")
  local live = {}
  for i = 1, 300000 do live[i % 997] = { i, tostring(i) } end
  collectgarbage("incremental")
  return live[5][2] .. live[996][2]
end

print("tables", tables())
print("strings", strings())
print("coroutines", coroutines())
print("generations", generations())
