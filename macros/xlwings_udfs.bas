Attribute VB_Name = "xlwings_udfs"
#Const App = "Microsoft Excel"
Function PE_CHECK(target, actual, weight, score, reason, edition, Optional indicator, Optional group, Optional year)
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_CHECK = XLPy.CallUDF("perfeval_xl.udfs", "PE_CHECK", Array(target, actual, weight, score, reason, edition, indicator, group, year), ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_CHECK = XLPy.CallUDF("perfeval_xl.udfs", "PE_CHECK", Array(target, actual, weight, score, reason, edition, indicator, group, year))
        Exit Function
    #End If
failed:
    PE_CHECK = CVErr(2015)
End Function

Function PE_DEVIATION(target, actual, Optional indicator, Optional group, Optional year)
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_DEVIATION = XLPy.CallUDF("perfeval_xl.udfs", "PE_DEVIATION", Array(target, actual, indicator, group, year), ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_DEVIATION = XLPy.CallUDF("perfeval_xl.udfs", "PE_DEVIATION", Array(target, actual, indicator, group, year))
        Exit Function
    #End If
failed:
    PE_DEVIATION = CVErr(2015)
End Function

Function PE_EXECUTION_RATE(adjusted, executed)
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_EXECUTION_RATE = XLPy.CallUDF("perfeval_xl.udfs", "PE_EXECUTION_RATE", Array(adjusted, executed), ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_EXECUTION_RATE = XLPy.CallUDF("perfeval_xl.udfs", "PE_EXECUTION_RATE", Array(adjusted, executed))
        Exit Function
    #End If
failed:
    PE_EXECUTION_RATE = CVErr(2015)
End Function

Function PE_EXECUTION_SCORE(adjusted, executed, weight, edition)
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_EXECUTION_SCORE = XLPy.CallUDF("perfeval_xl.udfs", "PE_EXECUTION_SCORE", Array(adjusted, executed, weight, edition), ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_EXECUTION_SCORE = XLPy.CallUDF("perfeval_xl.udfs", "PE_EXECUTION_SCORE", Array(adjusted, executed, weight, edition))
        Exit Function
    #End If
failed:
    PE_EXECUTION_SCORE = CVErr(2015)
End Function

Function PE_GRADE(total, edition)
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_GRADE = XLPy.CallUDF("perfeval_xl.udfs", "PE_GRADE", Array(total, edition), ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_GRADE = XLPy.CallUDF("perfeval_xl.udfs", "PE_GRADE", Array(total, edition))
        Exit Function
    #End If
failed:
    PE_GRADE = CVErr(2015)
End Function

Function PE_GRADE_BAND(total, edition)
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_GRADE_BAND = XLPy.CallUDF("perfeval_xl.udfs", "PE_GRADE_BAND", Array(total, edition), ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_GRADE_BAND = XLPy.CallUDF("perfeval_xl.udfs", "PE_GRADE_BAND", Array(total, edition))
        Exit Function
    #End If
failed:
    PE_GRADE_BAND = CVErr(2015)
End Function

Function PE_SCORE(target, actual, weight, edition, Optional indicator, Optional group, Optional year)
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_SCORE = XLPy.CallUDF("perfeval_xl.udfs", "PE_SCORE", Array(target, actual, weight, edition, indicator, group, year), ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_SCORE = XLPy.CallUDF("perfeval_xl.udfs", "PE_SCORE", Array(target, actual, weight, edition, indicator, group, year))
        Exit Function
    #End If
failed:
    PE_SCORE = CVErr(2015)
End Function

Function PE_TOTAL(ParamArray scores())
    Dim argsArray() As Variant
    argsArray = Array()
    ReDim Preserve argsArray(0 to UBound(scores) - LBound(scores) + 0)
    For k = LBound(scores) To UBound(scores)
    argsArray(0 + k - LBound(scores)) = scores(k)
    Next k
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_TOTAL = XLPy.CallUDF("perfeval_xl.udfs", "PE_TOTAL", argsArray, ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_TOTAL = XLPy.CallUDF("perfeval_xl.udfs", "PE_TOTAL", argsArray)
        Exit Function
    #End If
failed:
    PE_TOTAL = CVErr(2015)
End Function

Function PE_TOTAL_SCORE(ParamArray scores())
    Dim argsArray() As Variant
    argsArray = Array()
    ReDim Preserve argsArray(0 to UBound(scores) - LBound(scores) + 0)
    For k = LBound(scores) To UBound(scores)
    argsArray(0 + k - LBound(scores)) = scores(k)
    Next k
    #If App = "Microsoft Excel" Then
        If TypeOf Application.Caller Is Range Then On Error GoTo failed
        PE_TOTAL_SCORE = XLPy.CallUDF("perfeval_xl.udfs", "PE_TOTAL_SCORE", argsArray, ThisWorkbook, Application.Caller)
        Exit Function
    #Else
        PE_TOTAL_SCORE = XLPy.CallUDF("perfeval_xl.udfs", "PE_TOTAL_SCORE", argsArray)
        Exit Function
    #End If
failed:
    PE_TOTAL_SCORE = CVErr(2015)
End Function

